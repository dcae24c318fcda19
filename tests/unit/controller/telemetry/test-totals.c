/* Sums over actions, and histograms. */
#include "tests/lib/test.h"

#include <stdio.h>
#include <string.h>

#include "common/base/number.h"
#include "common/base/time.h"
#include "controller/telemetry/totals.h"

static void test_a_value_is_in_one_bucket(void **state)
{
    struct histogram histogram;

    histogram_init(&histogram, &histogram_sizes);
    histogram_add(&histogram, 0);
    histogram_add(&histogram, 1);
    histogram_add(&histogram, (int64_t)MIB);
    histogram_add(&histogram, (int64_t)(16 * GIB) + 1);
    assert_int_equal(histogram.buckets[0], 1);
    assert_int_equal(histogram.buckets[1], 2); /* an upper end is in its bucket */
    assert_int_equal(histogram.buckets[histogram_sizes.count], 1);
    assert_int_equal(histogram_count(&histogram), 4);
    assert_int_equal(histogram.sum, 2 + MIB + 16 * GIB);
}

static void test_a_sum_does_not_wrap(void **state)
{
    struct histogram histogram;

    histogram_init(&histogram, &histogram_times);
    histogram_add(&histogram, INT64_MAX);
    histogram_add(&histogram, 5);
    assert_int_equal(histogram.sum, INT64_MAX);
}

static void test_bounds_ascend(void **state)
{
    const struct histogram_bounds *all[] = {&histogram_times, &histogram_long_times,
                                            &histogram_sizes};

    for (size_t i = 0; i < ARRAY_SIZE(all); i++)
        for (size_t j = 1; j < all[i]->count; j++)
            assert_true(all[i]->list[j] > all[i]->list[j - 1]);
}

static void test_what_came_and_what_went_are_two_sums(void **state)
{
    struct totals totals = {0};
    const struct total *reclaim = &totals.kinds[TOTAL_RECLAIM];

    totals_add(&totals, &(struct total_action){.outcome = TOTAL_RETURNED,
                                               .asked = 4 * MIB,
                                               .freed = 3 * MIB,
                                               .returned = 2 * (int64_t)MIB});
    totals_add(&totals, &(struct total_action){
                            .outcome = TOTAL_NOTHING, .asked = 4 * MIB, .returned = -(int64_t)MIB});
    assert_int_equal(reclaim->outcomes[TOTAL_RETURNED], 1);
    assert_int_equal(reclaim->outcomes[TOTAL_NOTHING], 1);
    assert_int_equal(total_count(reclaim), 2);
    assert_int_equal(reclaim->asked, 8 * MIB);
    assert_int_equal(reclaim->freed, 3 * MIB);
    assert_int_equal(reclaim->returned, 2 * MIB);
    assert_int_equal(reclaim->lost, MIB);
    assert_int_equal(total_count(&totals.kinds[TOTAL_COMPACT]), 0);
}

static void test_extreme_figures(void **state)
{
    struct totals totals = {0};

    for (unsigned i = 0; i < 3; i++)
        totals_add(&totals, &(struct total_action){.freed = UINT64_MAX, .returned = INT64_MIN});
    assert_int_equal(totals.kinds[TOTAL_RECLAIM].freed, UINT64_MAX);
    assert_int_equal(totals.kinds[TOTAL_RECLAIM].lost, UINT64_MAX);
}

static void test_names_come_back(void **state)
{
    for (enum total_kind kind = 0; kind < TOTAL_KIND_COUNT; kind++)
        assert_int_equal(total_kind_of(total_kind_names[kind]), kind);
    for (enum total_outcome outcome = 0; outcome < TOTAL_OUTCOME_COUNT; outcome++)
        assert_int_equal(total_outcome_of(total_outcome_names[outcome]), outcome);
    assert_int_equal(total_kind_of("unknown"), TOTAL_OTHER);
    assert_int_equal(total_outcome_of(""), TOTAL_UNMEASURED);
}

static struct host_totals host;

static uint64_t count_of(const struct total_action *action, const char *reason)
{
    for (size_t i = 0; i < host.reason_count; i++)
        if (host.reasons[i].kind == action->kind && host.reasons[i].outcome == action->outcome &&
            strcmp(host.reasons[i].reason, reason) == 0)
            return host.reasons[i].count;
    return 0;
}

static void test_reasons_are_told_apart(void **state)
{
    const struct total_action nothing = {.kind = TOTAL_COMPACT, .outcome = TOTAL_NOTHING};
    const struct total_action failed = {.kind = TOTAL_COMPACT, .outcome = TOTAL_FAILED};

    host_totals_init(&host);
    host_totals_add(&host, &nothing, "vfio", NSEC_PER_SEC);
    host_totals_add(&host, &nothing, "vfio", NSEC_PER_SEC);
    host_totals_add(&host, &nothing, "swap", NSEC_PER_SEC);
    host_totals_add(&host, &failed, "vfio", NSEC_PER_SEC);
    assert_int_equal(count_of(&nothing, "vfio"), 2);
    assert_int_equal(count_of(&nothing, "swap"), 1);
    assert_int_equal(count_of(&failed, "vfio"), 1);
    assert_int_equal(histogram_count(&host.durations[TOTAL_COMPACT]), 4);
    assert_int_equal(histogram_count(&host.returns[TOTAL_COMPACT]), 3); /* the measured ones */
}

/* Records of a later daemon may have any reasons. */
static void test_reasons_are_bounded(void **state)
{
    struct total_action action = {.outcome = TOTAL_NOTHING};
    uint64_t all = 0;

    host_totals_init(&host);
    for (unsigned i = 0; i < 10 * TOTAL_REASONS_MAX; i++) {
        char reason[32];

        action.kind = i % TOTAL_KIND_COUNT;
        snprintf(reason, sizeof(reason), "reason-%u", i);
        host_totals_add(&host, &action, reason, 0);
    }
    assert_int_equal(host.reason_count, TOTAL_REASONS_MAX + TOTAL_KIND_COUNT);
    for (size_t i = 0; i < host.reason_count; i++)
        all += host.reasons[i].count;
    assert_int_equal(all, 10 * TOTAL_REASONS_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_value_is_in_one_bucket),
        cmocka_unit_test(test_a_sum_does_not_wrap),
        cmocka_unit_test(test_bounds_ascend),
        cmocka_unit_test(test_what_came_and_what_went_are_two_sums),
        cmocka_unit_test(test_extreme_figures),
        cmocka_unit_test(test_names_come_back),
        cmocka_unit_test(test_reasons_are_told_apart),
        cmocka_unit_test(test_reasons_are_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
