/* The reporting order with its floors, and reporting that does nothing. */
#include "tests/lib/test.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "agent/actions/reporting.h"
#include "common/base/number.h"
#include "tests/unit/agent/actions/kernel.h"

static struct fixture fixture;
static struct features features;
static struct settings settings;
static struct reporting reporting;
static int state_directory;

static void start(void)
{
    assert_int_equal(settings_init(&settings, fixture.root, state_directory, NULL), 0);
    features_detect(&features, fixture.root);
    reporting_init(&reporting, &settings, &features, 10, 9);
}

static int setup(void **state)
{
    kernel_create(&fixture);
    state_directory = openat(fixture.root, "state", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    start();
    return 0;
}

static int teardown(void **state)
{
    close(state_directory);
    fixture_finish(&fixture);
    return 0;
}

static void expect_set(uint32_t order, uint32_t policy_floor, uint32_t expected)
{
    uint32_t set = 99;

    assert_int_equal(reporting_set_order(&reporting, order, policy_floor, &set), 0);
    assert_int_equal(set, expected);
    assert_int_equal(reporting_order(&reporting), expected);
}

static void expect_bound(uint32_t order, uint32_t policy_floor, const char *expected)
{
    uint32_t before = reporting_order(&reporting);
    uint32_t set;
    char text[80];

    assert_int_equal(reporting_set_order(&reporting, order, policy_floor, &set), 0);
    assert_int_equal(reporting_bound(&reporting, before, order, policy_floor, text, sizeof(text)),
                     expected[0] != '\0');
    assert_string_equal(text, expected);
}

/* Who orders less than is set learns why. */
static void test_bounds_are_named(void **state)
{
    expect_bound(5, 0, "");
    expect_bound(5, 5, "");
    expect_bound(4, 5, "order stays 5: the policy's floor (reporting_order)");
    expect_bound(2, 3, "order is now 3: the policy's floor (reporting_order)");
    expect_bound(12, 0, "order is now 9: the agent found it at its start and sets none above it");
    assert_int_equal(reporting_set_host_floor(&reporting, 6), 0);
    expect_bound(4, 5, "order is now 6: what is smaller returns nothing on this host");
    expect_bound(6, 0, "");
}

static void test_order_within_its_floors(void **state)
{
    assert_int_equal(reporting_order(&reporting), 9);
    expect_set(5, 0, 5);
    expect_set(0, 0, 0);
    expect_set(0, 3, 3);
    expect_set(20, 0, 9); /* never above what was found */
    assert_int_equal(reporting_set_host_floor(&reporting, 5), 0);
    expect_set(0, 3, 5);
    expect_set(0, 7, 7);
}

static void test_restore(void **state)
{
    expect_set(0, 0, 0);
    assert_int_equal(reporting_restore(&reporting), 0);
    assert_int_equal(reporting_order(&reporting), 9);
    expect_set(5, 0, 5);
    start(); /* the next start of the agent */
    assert_int_equal(reporting_order(&reporting), 9);
    assert_int_equal(reporting.found_order, 9);
}

/* An order that somebody else wrote over is written again. */
static void test_the_same_order_again(void **state)
{
    expect_set(5, 0, 5);
    fixture_write(&fixture, ORDER, "9\n");
    expect_set(5, 0, 5);
    assert_int_equal(reporting_restore(&reporting), 0);
    assert_int_equal(reporting_order(&reporting), 9);
}

static void expect_set_for(uint32_t order, uint32_t expected)
{
    uint32_t set = 99;

    assert_int_equal(reporting_set_order_for(&reporting, order, 0, 60 * NSEC_PER_SEC, &set), 0);
    assert_int_equal(set, expected);
    assert_true(reporting.is_for_a_while);
    assert_int_equal(reporting.while_end, 60 * NSEC_PER_SEC);
}

static void expect_after_the_while(uint32_t expected)
{
    assert_int_equal(reporting_end_while(&reporting), 0);
    assert_false(reporting.is_for_a_while);
    assert_int_equal(reporting_order(&reporting), expected);
}

static void test_an_order_for_a_while(void **state)
{
    expect_set_for(5, 5);
    expect_set_for(3, 3); /* it is still 9 that comes back */
    expect_after_the_while(9);
    assert_int_equal(settings.count, 0);
    expect_set(7, 0, 7); /* an operator's */
    expect_set_for(4, 4);
    expect_after_the_while(7);
    expect_set_for(7, 7);
    expect_after_the_while(7);
}

/* What others set meanwhile is theirs. */
static void test_an_order_for_a_while_yields(void **state)
{
    expect_set_for(5, 5);
    expect_set(8, 0, 8);
    expect_after_the_while(8);
    expect_set_for(5, 5);
    reporting_keep_order(&reporting);
    assert_int_equal(reporting_end_while(&reporting), 0);
    assert_int_equal(reporting_order(&reporting), 5);
    expect_set(9, 0, 9);
    expect_set_for(3, 3);
    assert_int_equal(reporting_set_host_floor(&reporting, 5), 0);
    expect_after_the_while(9);
}

static void test_an_order_for_a_while_that_cannot_end(void **state)
{
    expect_set(7, 0, 7);
    expect_set_for(4, 4);
    settings.state_directory = -1;
    assert_int_equal(reporting_end_while(&reporting), -EROFS);
    assert_true(reporting.is_for_a_while && reporting.while_end == 0); /* it is due */
    settings.state_directory = state_directory;
    expect_after_the_while(7);
}

static void test_a_host_floor_raises_the_order_at_once(void **state)
{
    expect_set(0, 0, 0);
    assert_int_equal(reporting_set_host_floor(&reporting, 5), 0);
    assert_int_equal(reporting_order(&reporting), 5);
    assert_int_equal(reporting_set_host_floor(&reporting, 3), 0); /* and lowers nothing */
    assert_int_equal(reporting_order(&reporting), 5);
    assert_int_equal(reporting_set_host_floor(&reporting, 15), 0);
    assert_int_equal(reporting_order(&reporting), 9);
}

static void test_absent(void **state)
{
    uint32_t order = 99;

    fixture_write(&fixture, BALLOON, WITHOUT);
    start();
    assert_int_equal(reporting_order(&reporting), ORDER_COUNT_MAX);
    assert_int_equal(reporting_set_order(&reporting, 5, 0, &order), -ENOTSUP);
    assert_int_equal(order, 99);
    assert_int_equal(reporting_set_host_floor(&reporting, 5), 0);
    fixture_write(&fixture, BALLOON, WITH_REPORTING);
    fixture_write(&fixture, ORDER, "11\n"); /* the driver has not registered */
    start();
    assert_int_equal(reporting_order(&reporting), ORDER_COUNT_MAX);
}

static void test_without_a_journal_the_order_stays(void **state)
{
    uint32_t order;

    settings.state_directory = -1;
    assert_int_equal(reporting_set_order(&reporting, 5, 0, &order), -EROFS);
    assert_int_equal(reporting_order(&reporting), 9);
}

static struct memory_sample sample(unsigned seconds, uint64_t reported, uint64_t reportable,
                                   uint64_t held_back)
{
    return (struct memory_sample){.boottime = seconds * NSEC_PER_SEC,
                                  .reported = reported,
                                  .reportable = reportable,
                                  .held_back = held_back,
                                  .reported_is_known = true};
}

static bool observe(unsigned seconds, uint64_t reported, uint64_t reportable, uint64_t held_back)
{
    struct memory_sample now = sample(seconds, reported, reportable, held_back);
    return reporting_observe(&reporting, &now);
}

static void kicked(unsigned seconds, uint64_t reported, uint64_t reportable, uint64_t held_back)
{
    struct memory_sample now = sample(seconds, reported, reportable, held_back);
    reporting_kicked(&reporting, &now);
}

static void test_inert(void **state)
{
    kicked(100, 50 * MIB, 64 * MIB, 0);
    assert_false(observe(105, 50 * MIB, 64 * MIB, 0));
    assert_false(observe(109, 50 * MIB, 64 * MIB, 0));
    assert_true(observe(110, 50 * MIB, 64 * MIB, 0));
    assert_false(features_have(&features, FEATURE_PAGE_REPORTING));
    assert_non_null(strstr(features.list[FEATURE_PAGE_REPORTING].reason, "64.0 MiB"));
    assert_false(observe(120, 50 * MIB, 64 * MIB, 0)); /* said once */
    assert_int_equal(reporting_order(&reporting), 9);  /* there all the same */
    assert_false(observe(130, 51 * MIB, 63 * MIB, 0));
    assert_true(features_have(&features, FEATURE_PAGE_REPORTING)); /* it moves again */
}

static void test_progress_is_not_inert(void **state)
{
    kicked(100, 50 * MIB, 64 * MIB, 0);
    assert_false(observe(105, 52 * MIB, 62 * MIB, 0));
    assert_false(observe(120, 52 * MIB, 62 * MIB, 0));
    assert_true(features_have(&features, FEATURE_PAGE_REPORTING));
}

static void test_what_the_watermark_holds_back_is_not_inert(void **state)
{
    kicked(100, 0, 14 * MIB, 14 * MIB);
    assert_false(observe(120, 0, 14 * MIB, 14 * MIB));
    kicked(200, 0, 64 * MIB, 0);
    assert_false(observe(205, 0, 14 * MIB, 14 * MIB)); /* used up meanwhile */
    assert_false(observe(220, 0, 64 * MIB, 0));
    assert_true(features_have(&features, FEATURE_PAGE_REPORTING));
}

#define with_kernel(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_kernel(test_order_within_its_floors),
        with_kernel(test_bounds_are_named),
        with_kernel(test_restore),
        with_kernel(test_an_order_for_a_while),
        with_kernel(test_an_order_for_a_while_yields),
        with_kernel(test_an_order_for_a_while_that_cannot_end),
        with_kernel(test_the_same_order_again),
        with_kernel(test_a_host_floor_raises_the_order_at_once),
        with_kernel(test_absent),
        with_kernel(test_without_a_journal_the_order_stays),
        with_kernel(test_inert),
        with_kernel(test_progress_is_not_inert),
        with_kernel(test_what_the_watermark_holds_back_is_not_inert),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
