/* Sentences on lines of the terminal's width, which is 80 without one. */
#include "tests/lib/test.h"

#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "common/base/number.h"
#include "controller/cli/table.h"
#include "tests/unit/controller/cli/capture.h"

/* What print_wrapped() writes on standard output. */
static void wrap(const char *first, const char *text, char *buffer, size_t size)
{
    struct captured captured;

    capture_begin(&captured);
    assert_int_equal(print_wrapped(first, text), 0);
    capture_end(&captured, buffer, size);
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

/* ---- tables ---- */

static const struct table_column mixed[] = {
    {"NAME", TABLE_SHORTEN}, {"SIZE", TABLE_RIGHT}, {"HOW", TABLE_CUT}};

static void fill(struct table *table, const char *name, uint64_t size, const char *how)
{
    table_row(table);
    table_cell(table, "%s", name);
    table_bytes(table, size != 0, size);
    table_cell(table, "%s", how);
}

static void test_cells_are_aligned_and_nothing_trails(void **state)
{
    struct captured captured;
    struct table table;
    char buffer[512];

    table_init(&table, mixed, ARRAY_SIZE(mixed));
    fill(&table, "web1", GIB, "reclaim");
    fill(&table, "größe", 0, "");
    fill(&table, "日本", 1023 * MIB, "pulse");
    capture_begin(&captured);
    assert_int_equal(table_finish(&table, "none"), 0);
    capture_end(&captured, buffer, sizeof(buffer));
    assert_string_equal(buffer, "NAME        SIZE HOW\n"
                                "web1     1.0 GiB reclaim\n"
                                "größe          -\n"
                                "日本  1023.0 MiB pulse\n");
}

/* Names keep both ends, sentences their beginning; no line is wider than the room. */
static void test_a_narrow_table_is_shortened(void **state)
{
    struct captured captured;
    struct table table;
    char buffer[512];

    table_init(&table, mixed, ARRAY_SIZE(mixed));
    table.room = 30;
    fill(&table, "a-name-that-is-very-long-0017", 1023 * MIB, "nothing that is worth it");
    capture_begin(&captured);
    assert_int_equal(table_finish(&table, "none"), 0);
    capture_end(&captured, buffer, sizeof(buffer));
    assert_string_equal(buffer, "NAME            SIZE HOW\n"
                                "a-na…0017 1023.0 MiB nothing …\n");
}

static void test_an_empty_table_says_so(void **state)
{
    struct captured captured;
    struct table table;
    char buffer[64];

    table_init(&table, mixed, ARRAY_SIZE(mixed));
    capture_begin(&captured);
    assert_int_equal(table_finish(&table, "none"), 0);
    capture_end(&captured, buffer, sizeof(buffer));
    assert_string_equal(buffer, "none\n");
}

static void test_colours_take_no_room(void **state)
{
    struct captured captured;
    struct table table;
    char buffer[256];

    assert_int_equal(color_choose("sometimes"), -EINVAL);
    assert_int_equal(color_choose("always"), 0);
    table_init_plain(&table, mixed, ARRAY_SIZE(mixed));
    fill(&table, "lost", GIB, "-");
    table_color(&table, COLOR_BAD);
    fill(&table, "managed", GIB, "-");
    capture_begin(&captured);
    assert_int_equal(table_finish(&table, "none"), 0);
    capture_end(&captured, buffer, sizeof(buffer));
    assert_int_equal(color_choose("auto"), 0);
    assert_string_equal(buffer, "lost    1.0 GiB \x1b[31m-\x1b[0m\n"
                                "managed 1.0 GiB -\n");
}

/* U+200B and U+0301 take no column. Without headings a column has no other width. */
static void test_texts_without_a_width(void **state)
{
    static const struct table_column columns[] = {
        {"NAME", TABLE_SHORTEN}, {"EMPTY", TABLE_SHORTEN}, {"HOW", TABLE_CUT}};
    struct captured captured;
    struct table table;
    char buffer[256];

    table_init_plain(&table, columns, ARRAY_SIZE(columns));
    table_row(&table);
    table_cell(&table, "\u200b\u200b");
    table_cell(&table, "%s", "");
    table_cell(&table, "\u0301");
    capture_begin(&captured);
    assert_int_equal(table_finish(&table, "none"), 0);
    capture_end(&captured, buffer, sizeof(buffer));
    assert_string_equal(buffer, "\u200b\u200b   \u0301\n");
}

static void test_no_control_character_is_written(void **state)
{
    struct captured captured;
    struct table table;
    char buffer[256];

    table_init_plain(&table, mixed, ARRAY_SIZE(mixed));
    fill(&table, "\x1b[2J\n", GIB, "-");
    capture_begin(&captured);
    assert_int_equal(table_finish(&table, "none"), 0);
    capture_end(&captured, buffer, sizeof(buffer));
    assert_string_equal(buffer, "?[2J? 1.0 GiB -\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_short_sentence_is_one_line),
        cmocka_unit_test(test_a_long_one_goes_on_below),
        cmocka_unit_test(test_no_line_is_too_wide_and_no_word_is_lost),
        cmocka_unit_test(test_cells_are_aligned_and_nothing_trails),
        cmocka_unit_test(test_a_narrow_table_is_shortened),
        cmocka_unit_test(test_an_empty_table_says_so),
        cmocka_unit_test(test_colours_take_no_room),
        cmocka_unit_test(test_no_control_character_is_written),
        cmocka_unit_test(test_texts_without_a_width),
    };

    (void)setlocale(LC_ALL, "C.UTF-8");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
