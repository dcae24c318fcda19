/* Error text. */
#include "tests/lib/test.h"

#include <errno.h>
#include <string.h>

#include "common/base/error.h"

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
    (void)error_set(&error, -EINVAL, "%s", text);
    assert_int_equal(strlen(error.text), sizeof(error.text) - 1);
    (void)error_prefix(&error, -EINVAL, "%s", text);
    assert_int_equal(strlen(error.text), sizeof(error.text) - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_set_and_prefix),
        cmocka_unit_test(test_long_text_is_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
