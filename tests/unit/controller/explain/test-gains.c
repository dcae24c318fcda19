/* What each step could bring. */
#include "tests/lib/test.h"

#include "common/base/number.h"
#include "controller/explain/gains.h"
#include "tests/unit/controller/explain/made.h"

static struct made made;

static int set_up(void **state)
{
    make_healthy(&made);
    made.w.footprint = 3 * GIB;
    made.w.cache = GIB;
    made.w.trapped = GIB;
    made.w.percpu = 512 * MIB;
    return 0;
}

static struct gains gains_of(void)
{
    struct gains gains;

    explain_gains(&made.subject, &gains);
    return gains;
}

static void test_each_step(void **state)
{
    struct gains gains;

    made.guest.trapped_kinds_are_known = 1;
    made.guest.trapped_unmovable = 100 * MIB;
    made.host.lowest_useful_order = 5;
    gains = gains_of();
    assert_true(gains.is_known && gains.comes_back && gains.takes_commands);
    assert_false(gains.may_pulse);
    assert_int_equal(gains.cache, GIB - 128 * MIB);
    assert_int_equal(gains.cache_floor, 128 * MIB);
    assert_int_equal(gains.all_cache, GIB);
    assert_int_equal(gains.trapped, GIB - 100 * MIB);
    assert_int_equal(gains.small, GIB);
    assert_int_equal(gains.order, 9);
    assert_int_equal(gains.lowest, 5);
    assert_int_equal(gains.waiting, 512 * MIB);
    assert_int_equal(gains.size, 768 * MIB); /* 500 MiB used, 256 MiB kept, in steps of 64 */
    assert_int_equal(gains.balloon, 3 * GIB - 768 * MIB);
}

/* What the guest's own configuration allows less of than ours. */
static void test_what_the_guest_forbids(void **state)
{
    char *keys[] = {(char *)"cache_method", (char *)"compact", NULL};

    made.policy.cache_method = POLICY_CACHE_GRADUAL;
    made.subject.own_limits = keys;
    assert_int_equal(gains_of().all_cache, 0);
    assert_true(gains_of().cache > 0 && gains_of().trapped > 0);
    made.policy.cache_method = POLICY_CACHE_NONE;
    made.policy.compact = false;
    assert_int_equal(gains_of().cache + gains_of().trapped, 0);
    made.subject.own_limits = NULL;
    assert_true(gains_of().cache > 0 && gains_of().trapped > 0);
}

static void test_the_policys_lowest_order(void **state)
{
    made.host.lowest_useful_order = 5;
    made.policy.reporting_order = 7;
    assert_int_equal(gains_of().lowest, 7);
    assert_int_equal(gains_of().small, GIB);
    made.policy.reporting_order = 9; /* as it is */
    assert_int_equal(gains_of().small, 0);
}

/* An agent of before would leave the order as it was set. */
static void test_an_order_for_a_while(void **state)
{
    made.info.protocol_version = 1;
    assert_false(gains_of().order_for_a_while);
    made.info.protocol_version = 2;
    assert_true(gains_of().order_for_a_while);
}

static void test_what_only_a_pulse_brings(void **state)
{
    reporting_off(&made);
    assert_false(gains_of().comes_back);
    assert_true(gains_of().may_pulse);
    made.host.vfio_devices = 1;
    assert_false(gains_of().may_pulse);
    assert_int_equal(gains_of().size, 0);
    made.host.vfio_devices = 0;
    made.host.backing = (char *)"hugetlb";
    made.host.backing_page_size = 2 * MIB;
    assert_false(gains_of().may_pulse);
    made.host.backing_page_size = 64 * KIB;
    assert_true(gains_of().may_pulse);
    made.host.foreign_balloon_owner = (char *)"somebody";
    assert_false(gains_of().may_pulse);
}

static void test_without_an_agent(void **state)
{
    made.w.guest_is_known = 0;
    made.subject.info = NULL;
    assert_false(gains_of().is_known);
    assert_int_equal(gains_of().cache + gains_of().trapped + gains_of().size, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_each_step, set_up),
        cmocka_unit_test_setup(test_what_the_guest_forbids, set_up),
        cmocka_unit_test_setup(test_the_policys_lowest_order, set_up),
        cmocka_unit_test_setup(test_an_order_for_a_while, set_up),
        cmocka_unit_test_setup(test_what_only_a_pulse_brings, set_up),
        cmocka_unit_test_setup(test_without_an_agent, set_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
