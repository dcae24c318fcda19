/* Selecting by labels: every form, and what is none. */
#include "tests/lib/test.h"

#include "controller/selectors/label-selector.h"

static bool matches(const char *selector)
{
    char *const labels[] = {(char *)"tier=front", (char *)"env=test", (char *)"gpu="};

    assert_true(label_selector_is_valid(selector));
    return label_selector_matches(selector, labels, ARRAY_SIZE(labels));
}

static void test_a_value(void **state)
{
    assert_true(matches("tier=front"));
    assert_true(matches("tier==front"));
    assert_true(matches(" tier = front "));
    assert_false(matches("tier=back"));
    assert_false(matches("tier=fronts"));
    assert_false(matches("tie=front"));
    assert_true(matches("gpu="));
    assert_false(matches("zone="));
}

static void test_another_value(void **state)
{
    assert_true(matches("tier!=back"));
    assert_false(matches("tier!=front"));
    assert_true(matches("zone!=a"));
}

static void test_a_key(void **state)
{
    assert_true(matches("gpu"));
    assert_true(matches("env"));
    assert_false(matches("zone"));
    assert_true(matches("!zone"));
    assert_false(matches("!env"));
}

static void test_a_set(void **state)
{
    assert_true(matches("tier in (back,front)"));
    assert_true(matches("tier in( back , front )"));
    assert_false(matches("tier in (back)"));
    assert_false(matches("zone in (front)"));
    assert_true(matches("tier notin (back, middle)"));
    assert_false(matches("tier notin (back,front)"));
    assert_true(matches("zone notin (front)"));
}

static void test_all_terms_hold(void **state)
{
    assert_true(matches("tier=front,env=test"));
    assert_false(matches("tier=front,env=live"));
    assert_false(matches("tier=back,env=test"));
    assert_true(matches("tier in (front,back),env!=live,!zone,gpu"));
}

static void test_what_is_none(void **state)
{
    static const char *const wrong[] = {"",           " ",         "=a",         "tier=a,",
                                        ",tier=a",    "tier in a", "tier in (",  "tier in ()",
                                        "!",          "tier=a b",  "tier in (a", "!tier=a",
                                        "tier<a,b c", "a=b=c",     "a=(b)"};

    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
        if (label_selector_is_valid(wrong[i]))
            fail_msg("\"%s\" was taken", wrong[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_value),        cmocka_unit_test(test_another_value),
        cmocka_unit_test(test_a_key),          cmocka_unit_test(test_a_set),
        cmocka_unit_test(test_all_terms_hold), cmocka_unit_test(test_what_is_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
