/* Differences between texts. */
#include "tests/lib/test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "controller/cli/text-diff.h"

static void collect(char kind, const char *text, int length, void *userdata)
{
    char *buffer = userdata;
    size_t used = strlen(buffer);
    (void)snprintf(buffer + used, 256 - used, "%c%.*s|", kind, length, text);
}

static void test_texts(void **state)
{
    static const struct {
        const char *old_text;
        const char *new_text;
        const char *expected;
    } cases[] = {
        {"", "", ""},
        {"a\nb\n", "a\nb\n", " a| b|"},
        {"a\nb\nc\n", "a\nc\n", " a|-b| c|"},
        {"a\nc\n", "a\nb\nc", " a|+b| c|"},
        {"a\nb\n", "a\nx\n", " a|-b|+x|"},
        {"", "a\n\n", "+a|+|"},
        {"a\n", "", "-a|"},
        {"x\na\nb\n", "a\nb\ny\n", "-x| a| b|+y|"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char buffer[256] = "";
        assert_int_equal(text_diff(cases[i].old_text, cases[i].new_text, collect, buffer), 0);
        assert_string_equal(buffer, cases[i].expected);
    }
}

static void test_too_many_lines(void **state)
{
    char buffer[256] = "";
    char *text = malloc(5001);

    memset(text, '\n', 5000);
    text[5000] = '\0';
    assert_int_equal(text_diff(text, "", collect, buffer), -EFBIG);
    assert_int_equal(text_diff("", text, collect, buffer), -EFBIG);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_too_many_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
