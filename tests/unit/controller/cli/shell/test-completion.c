/* What the words that fit have in common, and what is put on the line. */
#include "controller/cli/shell/completion.h" /* before cmocka, whose macro fail() it would meet */

#include "tests/lib/test.h"

#include <string.h>

static struct shell_completion completion;

static const char *insertion(const char *lines, const char *typed, char quote)
{
    shell_completion_compare(lines, typed, quote, &completion);
    return completion.insertion;
}

static void test_one(void **state)
{
    assert_string_equal(insertion("explain\twhy\n", "expl", 0), "ain ");
    assert_string_equal(insertion("explain\n", "explain", 0), " ");
    assert_string_equal(insertion("web1\tmanaged\n", "we", '\''), "b1' ");
    assert_string_equal(insertion("columns=\n", "col", 0), "umns=");
    assert_int_equal(completion.count, 1);
}

static void test_several(void **state)
{
    assert_string_equal(insertion("web1\tmanaged\nweb2\tmanaged\nwebcam\n", "w", 0), "eb");
    assert_int_equal(completion.count, 3);
    assert_string_equal(insertion("web1\nweb2\n", "web", '"'), "");
    assert_string_equal(insertion("a\tsame help\nb\tsame help\n", "", 0), "");
    assert_string_equal(insertion("web\nweb1\n", "w", 0), "eb");
}

static void test_characters_stay_whole(void **state)
{
    assert_string_equal(insertion("a\xc3\xa4\na\xc3\xb6\n", "", 0), "a");
    assert_string_equal(insertion("a\xc3\xa4\n", "a", 0), "\xc3\xa4 ");
}

static void test_none(void **state)
{
    assert_string_equal(insertion("", "x", 0), "");
    assert_int_equal(completion.count, 0);
    assert_false(completion.has_files);
    assert_string_equal(insertion("other\n", "x-longer", 0), "");
}

static void test_files(void **state)
{
    assert_string_equal(insertion(":file\n", "ni", 0), "");
    assert_int_equal(completion.count, 0);
    assert_true(completion.has_files);
    assert_string_equal(insertion("stdin\n:file\n", "st", 0), "din ");
}

static void test_what_is_too_long(void **state)
{
    char lines[600];

    memset(lines, 'x', sizeof(lines));
    memcpy(lines + sizeof(lines) - 2, "\n", 2);
    assert_int_equal(strlen(insertion(lines, "", 0)), sizeof(completion.insertion) - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one),   cmocka_unit_test(test_several),
        cmocka_unit_test(test_none),  cmocka_unit_test(test_characters_stay_whole),
        cmocka_unit_test(test_files), cmocka_unit_test(test_what_is_too_long),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
