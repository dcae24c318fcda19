/* What a kernel with some features, and without others, can be asked to do. How a plan is made is
 * in test-actions.c. */
#include "tests/lib/test.h"

#include "agent/actions/plan.h"

static bool is_possible(enum feature_id only, enum action_kind kind, enum feature_id *ret_missing)
{
    struct features features = {.list = {[FEATURE_PSI] = {.available = false}}};

    if (only != FEATURE_COUNT)
        features.list[only].available = true;
    return plan_is_possible(&features, kind, ret_missing);
}

static void test_one_of_the_needed_features_is_enough(void **state)
{
    enum feature_id missing = FEATURE_COUNT;

    assert_true(is_possible(FEATURE_MEMORY_RECLAIM, ACTION_RECLAIM_CACHE, &missing));
    assert_true(is_possible(FEATURE_NODE_RECLAIM, ACTION_RECLAIM_CACHE, &missing));
    assert_int_equal(missing, FEATURE_COUNT);
    assert_false(is_possible(FEATURE_DROP_CACHES, ACTION_RECLAIM_CACHE, &missing));
    assert_int_equal(missing, FEATURE_MEMORY_RECLAIM);
}

static void test_what_needs_nothing_is_always_possible(void **state)
{
    enum feature_id missing;

    assert_true(is_possible(FEATURE_COUNT, ACTION_KICK_REPORTING, &missing));
    assert_true(is_possible(FEATURE_COUNT, ACTION_RESTORE_ORDER, &missing));
    assert_false(is_possible(FEATURE_COUNT, ACTION_SET_ORDER, &missing));
}

/* A child does what the kernel does inside one write; orders are set at once. */
static void test_every_kind_has_a_way_and_words(void **state)
{
    for (enum action_kind kind = ACTION_NONE + 1; kind < ACTION_KIND_COUNT; kind++) {
        const struct action_traits *traits = action_traits(kind);

        assert_int_equal(plan_takes_child(kind), traits->effect != ACTION_SETS_ORDER);
        assert_non_null(traits->text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_of_the_needed_features_is_enough),
        cmocka_unit_test(test_what_needs_nothing_is_always_possible),
        cmocka_unit_test(test_every_kind_has_a_way_and_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
