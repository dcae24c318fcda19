/* Targets: a name, a glob, a label. */
#include "tests/lib/test.h"

#include <errno.h>
#include <string.h>

#include "controller/selectors/target.h"

static char tier[] = "tier=db", note[] = "note=a,b", bare[] = "bare";
static char *const labels[] = {tier, note, bare};

static bool means(const char *target)
{
    return target_matches(target, "db-7", labels, ARRAY_SIZE(labels));
}

static void test_names_and_globs(void **state)
{
    (void)state;
    assert_true(means("db-7"));
    assert_false(means("db"));
    assert_true(means("db-*"));
    assert_true(means("d[a-c]-?"));
    assert_false(means("web-*"));
    assert_false(target_is_pattern("db-7"));
    assert_true(target_is_pattern("db-*"));
}

static void test_a_label_is_compared_as_it_is_written(void **state)
{
    (void)state;
    assert_true(means("label:tier=db"));
    assert_true(means("label:note=a,b"));
    assert_false(means("label:tier=d"));
    assert_false(means("label:TIER=db"));
    assert_true(means("label:bare"));
    assert_false(means("label:tier")); /* a key of another label */
    assert_true(target_is_pattern("label:tier=db"));
}

static void test_what_is_wrong_is_said(void **state)
{
    struct error error;

    (void)state;
    assert_int_equal(target_check("db-[0-9]*", "VM", &error), 0);
    assert_int_equal(target_check("label:a=b", "VM", &error), 0);
    assert_int_equal(target_check("label:a", "VM", &error), 0);
    assert_int_equal(target_check("label:", "VM", &error), -EINVAL);
    assert_int_equal(target_check("label:=b", "VM", &error), -EINVAL);
    assert_int_equal(target_check("label:a=*", "VM", &error), -EINVAL);
    assert_int_equal(target_check("db-[0", "VM", &error), -EINVAL);
    assert_non_null(strstr(error.text, "not closed"));
    assert_int_equal(target_check("a b*", "host", &error), -EINVAL);
    assert_non_null(strstr(error.text, "matches no host"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_and_globs),
        cmocka_unit_test(test_a_label_is_compared_as_it_is_written),
        cmocka_unit_test(test_what_is_wrong_is_said),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
