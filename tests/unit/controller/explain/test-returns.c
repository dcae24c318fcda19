/* What could come back, by which step. */
#include "tests/lib/test.h"

#include "common/base/number.h"
#include "controller/explain/returns.h"
#include "tests/unit/controller/explain/made.h"

static struct made made;

/* 3 GiB of 4 on the host, of which 500 MiB are in use. */
static int set_up(void **state)
{
    make_healthy(&made);
    made.w.footprint = 3 * GIB;
    made.w.cache = GIB;
    made.w.trapped = GIB;
    made.w.percpu = 512 * MIB;
    made.w.reported = GIB;
    made.host.lowest_useful_order = 5;
    return 0;
}

static struct returns returns_of(void)
{
    struct returns returns;

    explain_returns(&made.subject, &returns);
    return returns;
}

static void test_each_byte_is_in_one_step(void **state)
{
    struct returns returns = returns_of();

    assert_int_equal(returns.bytes[RETURN_REPORT], 512 * MIB);
    assert_int_equal(returns.bytes[RETURN_RECLAIM], GIB - 128 * MIB);
    assert_int_equal(returns.bytes[RETURN_COMPACT], GIB);
    assert_int_equal(returns.bytes[RETURN_PULSE], 0);
    /* a lease that leaves 768 MiB would take 2,304 MiB by itself */
    assert_int_equal(returns.bytes[RETURN_BALLOON], 0);
    assert_int_equal(returns.total, 2432 * MIB);
    assert_string_equal(returns.why, "");
}

static void test_what_only_a_lease_takes(void **state)
{
    made.policy.cache_floor = GIB;
    made.guest.trapped_kinds_are_known = 1;
    made.guest.trapped_unmovable = 900 * MIB;
    assert_int_equal(returns_of().bytes[RETURN_RECLAIM], 0);
    assert_int_equal(returns_of().bytes[RETURN_COMPACT], 124 * MIB);
    assert_int_equal(returns_of().bytes[RETURN_BALLOON],
                     3 * GIB - 768 * MIB - 124 * MIB - 512 * MIB);
}

static void test_what_is_not_worth_a_step(void **state)
{
    made.w.percpu = 8 * MIB;
    assert_int_equal(returns_of().bytes[RETURN_REPORT], 0);
}

/* What is free, and cache that is free by then, but for the headroom. */
static void test_a_pulse(void **state)
{
    reporting_off(&made);
    made.w.trapped = 512 * MIB;
    made.w.percpu = 0;
    made.w.reported = 0;
    assert_int_equal(returns_of().bytes[RETURN_COMPACT] + returns_of().bytes[RETURN_REPORT], 0);
    assert_int_equal(returns_of().bytes[RETURN_PULSE], 256 * MIB);
    assert_int_equal(returns_of().bytes[RETURN_RECLAIM], GIB - 128 * MIB);
    made.w.trapped = 128 * MIB; /* half of the headroom */
    assert_int_equal(returns_of().bytes[RETURN_PULSE], 0);
    assert_int_equal(returns_of().bytes[RETURN_RECLAIM], GIB - 256 * MIB);
    made.w.balloon = 512 * MIB; /* which a pulse would have to move */
    assert_int_equal(returns_of().total, 0);
    assert_string_equal(returns_of().why, "512.0 MiB of it are in its balloon");
}

static void test_without_an_agent(void **state)
{
    Vmreclaim__Controller__V1__BalloonStatistics statistics =
        VMRECLAIM__CONTROLLER__V1__BALLOON_STATISTICS__INIT;

    made.w.guest_is_known = 0;
    made.vm.agent_connected = 0;
    made.subject.info = NULL;
    assert_int_equal(returns_of().total, 0);
    assert_string_equal(returns_of().why, "nobody says what is free in it");
    statistics.total = 4 * GIB;
    statistics.free = 2 * GIB;
    statistics.available = 3 * GIB;
    made.vm.statistics = &statistics;
    reporting_off(&made);
    assert_int_equal(returns_of().bytes[RETURN_PULSE], GIB - 256 * MIB);
    assert_int_equal(returns_of().total, GIB - 256 * MIB);
}

static void test_why_nothing(void **state)
{
    made.vm.halted = 1;
    assert_string_equal(returns_of().why, "it is halted");
    made.vm.halted = 0;
    made.vm.state = (char *)"paused";
    assert_string_equal(returns_of().why, "it is paused");
    made.vm.state = (char *)"managed";
    made.w.host_is_known = 0;
    made.w.footprint = 0;
    assert_string_equal(returns_of().why, "what the host holds for it is not known");
    set_up(NULL);
    reporting_off(&made);
    made.host.foreign_balloon_owner = (char *)"Proxmox";
    assert_string_equal(returns_of().why,
                        "what it frees is not reported, and Proxmox moves its balloon");
    made.host.foreign_balloon_owner = (char *)"";
    made.host.vfio_devices = 1;
    made.vm.reporting = (char *)"inert: an assigned device pins all memory";
    assert_string_equal(
        returns_of().why,
        "what it frees does not come back: inert: an assigned device pins all memory");
}

static void test_an_agent_that_takes_no_commands(void **state)
{
    made.policy.allow_commands = false;
    made.w.percpu = 0;
    made.vm.balloon_target = 0;
    assert_int_equal(returns_of().total, 0);
    assert_string_equal(returns_of().why, "its agent takes no commands");
}

static void test_little(void **state)
{
    make_healthy(&made);
    made.vm.balloon_target = 0;
    assert_int_equal(returns_of().total, 0);
    assert_string_equal(returns_of().why, "less than 16.0 MiB by any step");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_each_byte_is_in_one_step, set_up),
        cmocka_unit_test_setup(test_what_only_a_lease_takes, set_up),
        cmocka_unit_test_setup(test_what_is_not_worth_a_step, set_up),
        cmocka_unit_test_setup(test_a_pulse, set_up),
        cmocka_unit_test_setup(test_without_an_agent, set_up),
        cmocka_unit_test_setup(test_why_nothing, set_up),
        cmocka_unit_test_setup(test_an_agent_that_takes_no_commands, set_up),
        cmocka_unit_test_setup(test_little, set_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
