/* Words of a line: quotes, commands, comments, and lines that are not whole. */
#include "tests/lib/test.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "controller/cli/shell/words.h"

/* The words of each command, '|' behind each word, '\n' behind each command. */
static void check(const char *line, const char *expected)
{
    struct shell_words words = {.is_followed = true};
    const char *rest = line;
    char text[256] = "";

    while (words.is_followed) {
        assert_int_equal(shell_words_take(&rest, &words), 0);
        for (size_t i = 0; i < words.count; i++)
            strcat(strcat(text, words.list[i]), "|");
        assert_null(words.list[words.count]);
        strcat(text, "\n");
        shell_words_finish(&words);
    }
    assert_string_equal(text, expected);
    assert_int_equal(*rest, '\0');
}

static void test_words(void **state)
{
    check("", "\n");
    check(" \t\r\n", "\n");
    check("vm list\n", "vm|list|\n");
    check("  vm\tlist  ", "vm|list|\n");
    check("vm show 'web 1' \"a'b\" c''d ''", "vm|show|web 1|a'b|cd||\n");
}

static void test_backslashes(void **state)
{
    check("a\\ b \\' \\\\ \\#c", "a b|'|\\|#c|\n");
    check("'a\\n' \"a\\n\" \"\\\"\\\\\" '\\'", "a\\n|a\\n|\"\\|\\|\n");
    check("a\\", "a\\|\n");
}

static void test_commands(void **state)
{
    check("a;b", "a|\nb|\n");
    check("a b ; 'c;d' e\\;f;", "a|b|\nc;d|e;f|\n\n");
    check(";;", "\n\n\n");
}

static void test_comments(void **state)
{
    check("# a", "\n");
    check("a # b; c 'd", "a|\n");
    check("a#b;#c", "a#b|\n\n");
}

static void test_what_is_not_whole(void **state)
{
    static const struct {
        const char *line;
        const char *last;
        char quote;
        bool is_open;
    } lines[] = {
        {"vm li", "li", 0, true},         {"vm li ", "li", 0, false},
        {"vm 'we b", "we b", '\'', true}, {"vm \"we\\\"", "we\"", '"', true},
        {"vm 'we'", "we", 0, true},       {"a 'b\\' ", "b\\", 0, false},
    };

    for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
        const char *rest = lines[i].line;
        struct shell_words words;

        assert_int_equal(shell_words_take(&rest, &words), lines[i].quote != 0 ? -EINVAL : 0);
        assert_int_equal(words.count, 2);
        assert_string_equal(words.list[1], lines[i].last);
        assert_int_equal(words.quote, lines[i].quote);
        assert_int_equal(words.is_open, lines[i].is_open);
        shell_words_finish(&words);
    }
}

/* Every byte a word or a command of its own: they fit, and one more. */
static void test_many(void **state)
{
    static const char *const patterns[] = {"a ", ";", "a;", "''", "' ", "\\"};

    for (size_t i = 0; i < ARRAY_SIZE(patterns); i++)
        for (size_t length = 0; length < 300; length++) {
            char line[301] = "";
            const char *rest = line;
            struct shell_words words = {.is_followed = true};

            for (size_t j = 0; j < length; j++)
                line[j] = patterns[i][j % strlen(patterns[i])];
            while (words.is_followed) {
                int r = shell_words_take(&rest, &words);

                assert_true(r == 0 || (r == -EINVAL && !words.is_followed));
                words.list[words.count++] = line;
                assert_null(words.list[words.count]);
                shell_words_finish(&words);
            }
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words),    cmocka_unit_test(test_backslashes),
        cmocka_unit_test(test_commands), cmocka_unit_test(test_comments),
        cmocka_unit_test(test_many),     cmocka_unit_test(test_what_is_not_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
