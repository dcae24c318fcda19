/* Error text. */
#include "tests/lib/test.h"

#include <errno.h>
#include <string.h>

#include "common/base/error.h"
#include "common/base/text.h"

static void test_set_and_prefix(void **state)
{
    struct error error;

    assert_int_equal(error_set(&error, -EINVAL, "bad %s", "key"), -EINVAL);
    assert_int_equal(error_prefix(&error, -EINVAL, "line %d", 3), -EINVAL);
    assert_string_equal(error.text, "line 3: bad key");
    assert_int_equal(error_set(NULL, -EIO, "x"), -EIO);
    assert_int_equal(error_prefix(NULL, -EIO, "x"), -EIO);
}

static void test_long_text_is_cut(void **state)
{
    struct error error;
    char text[2000];

    memset(text, 'a', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    error_set(&error, -EINVAL, "%s", text);
    assert_int_equal(strlen(error.text), sizeof(error.text) - 1);
    error_prefix(&error, -EINVAL, "%s", text);
    assert_int_equal(strlen(error.text), sizeof(error.text) - 1);
}

/* An error goes to operators as a string of protobuf: it is UTF-8 whatever was put into it. */
static void test_cut_between_characters(void **state)
{
    struct error error;
    char text[2000];

    for (size_t i = 0; i + 2 < sizeof(text); i += 2)
        memcpy(text + i, "\xc3\xa4", 3);
    for (unsigned shift = 0; shift < 2; shift++) {
        error_set(&error, -EINVAL, "%s%s", shift == 0 ? "" : "x", text);
        assert_true(text_is_utf8(error.text, strlen(error.text)));
        assert_true(strlen(error.text) >= sizeof(error.text) - 2);
        error_prefix(&error, -EINVAL, "%s", shift == 0 ? "" : "x");
        assert_true(text_is_utf8(error.text, strlen(error.text)));
    }
    error_set(&error, -EINVAL, "cannot read %s",
              "Stra\xdf"
              "e.yaml");
    assert_string_equal(error.text, "cannot read Stra?e.yaml");
    error_set(&error, -EINVAL, "'%s'\nlook there", "\x1b[2Jname\xc2\x9b");
    assert_string_equal(error.text, "'?[2Jname?'\nlook there");
}

static void test_append(void **state)
{
    struct error error;

    error_set(&error, -EACCES, "no");
    assert_int_equal(error_append(&error, -EACCES, "\ndo %d", 7), -EACCES);
    assert_string_equal(error.text, "no\ndo 7");
    assert_int_equal(error_append(NULL, -EACCES, "do"), -EACCES);
}

static void test_append_is_cut(void **state)
{
    struct error error;

    memset(error.text, 'x', sizeof(error.text));
    error.text[sizeof(error.text) - 3] = '\0';
    (void)error_append(&error, -EACCES, "ab\xc3\xa4");
    assert_string_equal(error.text + sizeof(error.text) - 5, "xxab");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_append),
        cmocka_unit_test(test_append_is_cut),
        cmocka_unit_test(test_set_and_prefix),
        cmocka_unit_test(test_long_text_is_cut),
        cmocka_unit_test(test_cut_between_characters),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
