/* Sentences on lines of the terminal's width, which is 80 without one. */
#include "tests/lib/test.h"

#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "controller/cli/table.h"

/* What print_wrapped() writes on standard output. */
static void wrap(const char *first, const char *text, char *buffer, size_t size)
{
    FILE *file = tmpfile();
    int saved = dup(STDOUT_FILENO);
    size_t length;

    assert_non_null(file);
    (void)fflush(stdout);
    assert_true(dup2(fileno(file), STDOUT_FILENO) >= 0);
    assert_int_equal(print_wrapped(first, text), 0);
    (void)fflush(stdout);
    assert_true(dup2(saved, STDOUT_FILENO) >= 0);
    close(saved);
    rewind(file);
    length = fread(buffer, 1, size - 1, file);
    buffer[length] = '\0';
    (void)fclose(file);
}

static size_t columns_of(const char *line, size_t length)
{
    size_t columns = 0;

    for (size_t i = 0; i < length; i++)
        columns += ((unsigned char)line[i] & 0xc0) != 0x80;
    return columns;
}

static void test_a_short_sentence_is_one_line(void **state)
{
    char buffer[256];

    wrap("  -", "Nothing to do.", buffer, sizeof(buffer));
    assert_string_equal(buffer, "  - Nothing to do.\n");
}

static void test_a_long_one_goes_on_below(void **state)
{
    char buffer[1024];

    wrap("why:",
         "Free page reporting is off, so what the guest frees stays on the host: the hypervisor "
         "does not offer it, and it would have no effect.",
         buffer, sizeof(buffer));
    assert_string_equal(
        buffer, "why: Free page reporting is off, so what the guest frees stays on the host: the\n"
                "     hypervisor does not offer it, and it would have no effect.\n");
}

/* Characters of two bytes are one column; a word that fits nowhere stands alone. */
static void test_no_line_is_too_wide_and_no_word_is_lost(void **state)
{
    char word[121] = "";
    char text[700] = "";
    char buffer[1024];
    size_t words = 0;

    memset(word, 'x', sizeof(word) - 1);
    for (size_t i = 0; i < 40; i++)
        strcat(text, i % 3 == 0 ? "größe " : "pages ");
    wrap("  -", text, buffer, sizeof(buffer));
    for (const char *line = buffer; *line != '\0'; line += strcspn(line, "\n") + 1) {
        assert_in_range(columns_of(line, strcspn(line, "\n")), 5, 80);
        assert_memory_equal(line, line == buffer ? "  - " : "    ", 4);
    }
    for (const char *at = strtok(buffer, " \n"); at != NULL; at = strtok(NULL, " \n"))
        words++;
    assert_int_equal(words, 41); /* with the dash */
    snprintf(text, sizeof(text), "a %s b", word);
    wrap("-", text, buffer, sizeof(buffer));
    assert_non_null(strstr(buffer, word));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_short_sentence_is_one_line),
        cmocka_unit_test(test_a_long_one_goes_on_below),
        cmocka_unit_test(test_no_line_is_too_wide_and_no_word_is_lost),
    };

    (void)setlocale(LC_ALL, "C.UTF-8");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
