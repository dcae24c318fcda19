/* The reporting order: lowered when that pays, and always put back. */
#include "tests/unit/agent/engine/guest.h"

/* ---- the reporting order ---- */

/* Idle, no cache, 200 MiB in single pages that a compaction did not help. */
static void lower_order(struct guest *guest, uint32_t host_order)
{
    guest_init(guest);
    engine_set_lowest_order(&guest->engine, host_order);
    trap(guest, 200 * MIB);
    assert_int_equal(run(guest, 130), ACTION_COMPACT);
    finish(guest, 25 * MIB, NSEC_PER_SEC);
    assert_int_equal(run(guest, 4), ACTION_NONE);
    assert_reason(guest, ENGINE_SETTLING);
    assert_int_equal(run(guest, 12), ACTION_SET_ORDER);
}

static void test_lowers_kicks_and_restores(void **state)
{
    struct guest guest;

    lower_order(&guest, 0);
    assert_int_equal(guest.decision.order, 0);
    finish(&guest, 0, 0);
    guest.sample.reporting_order = 0;
    guest.sample.reportable = 200 * MIB;
    assert_int_equal(step(&guest), ACTION_KICK_REPORTING);
    finish(&guest, 0, 0);
    for (int i = 0; i < 17; i++) { /* 11 MiB a second */
        guest.sample.reported += 11 * MIB;
        guest.sample.reportable -= 11 * MIB;
        assert_int_equal(step(&guest), ACTION_NONE);
    }
    assert_int_equal(run(&guest, 15), ACTION_RESTORE_ORDER); /* the rest does not move */
    assert_int_equal(guest.decision.order, 9);
    finish(&guest, 0, 0);
    guest.sample.reporting_order = 9;
    /* gone already: neither compacted nor lowered for again */
    assert_int_equal(run(&guest, 3000), ACTION_NONE);
}

static void test_the_host_limits_the_order(void **state)
{
    struct guest guest;

    /* single pages do not get out at order 5 */
    guest_init(&guest);
    trap(&guest, 200 * MIB);
    assert_int_equal(run(&guest, 130), ACTION_COMPACT);
    finish(&guest, 0, NSEC_PER_SEC);
    assert_int_equal(run(&guest, 400), ACTION_NONE);
    /* blocks of order 6 do */
    guest.sample.free_blocks[6] = 200 * MIB / 4096 / 64;
    guest.sample.free_blocks[0] = 0;
    assert_int_equal(run(&guest, 400), ACTION_SET_ORDER);
    assert_int_equal(guest.decision.order, 5);
}

static void test_the_policy_limits_the_order(void **state)
{
    struct guest guest;

    guest_init(&guest);
    guest.policy.reporting_order = 9;
    use_policy(&guest);
    engine_set_lowest_order(&guest.engine, 0);
    trap(&guest, 200 * MIB);
    assert_int_equal(run(&guest, 130), ACTION_COMPACT);
    finish(&guest, 0, NSEC_PER_SEC);
    assert_int_equal(run(&guest, 4000), ACTION_NONE);
}

static void test_waking_restores_at_once(void **state)
{
    struct guest guest;

    lower_order(&guest, 0);
    finish(&guest, 0, 0);
    guest.sample.reporting_order = 0;
    guest.sample.reportable = 200 * MIB; /* more would come */
    guest.user = 1000;
    assert_int_equal(run(&guest, 2), ACTION_RESTORE_ORDER);
    assert_reason(&guest, ENGINE_RESTORING);
}

static void test_a_policy_that_only_observes_restores(void **state)
{
    struct guest guest;

    lower_order(&guest, 0);
    finish(&guest, 0, 0);
    guest.sample.reporting_order = 0;
    policy_init(&guest.policy, POLICY_OBSERVE);
    use_policy(&guest);
    assert_int_equal(step(&guest), ACTION_RESTORE_ORDER);
    finish(&guest, 0, 0);
    guest.sample.reporting_order = 9;
    assert_int_equal(run(&guest, 500), ACTION_NONE);
    assert_reason(&guest, ENGINE_OBSERVING);
}

static void test_restoring_is_tried_again(void **state)
{
    struct guest guest;
    struct engine_result failed = {.action = ACTION_RESTORE_ORDER, .supported = true};

    lower_order(&guest, 0);
    finish(&guest, 0, 0);
    guest.sample.reporting_order = 0;
    guest.user = 1000;
    assert_int_equal(run(&guest, 2), ACTION_RESTORE_ORDER);
    engine_finished(&guest.engine, &failed, guest.sample.boottime);
    assert_int_equal(run(&guest, 9), ACTION_NONE);
    assert_int_equal(run(&guest, 2), ACTION_RESTORE_ORDER);
}

static void test_not_lowered_for_ever(void **state)
{
    struct guest guest;

    lower_order(&guest, 0);
    finish(&guest, 0, 0);
    guest.sample.reporting_order = 0;
    guest.sample.reportable = GIB;
    assert_int_equal(step(&guest), ACTION_KICK_REPORTING);
    finish(&guest, 0, 0);
    for (int i = 0; i < 116; i++) { /* progress without end */
        guest.sample.reported += 2 * MIB;
        assert_int_equal(step(&guest), ACTION_NONE);
    }
    assert_int_equal(run(&guest, 5), ACTION_RESTORE_ORDER);
}

/* Lowered while idle, it is not kept for a guest that works, even where a trickle may go on. */
static void test_waking_to_a_trickle_restores_too(void **state)
{
    struct guest guest;

    lower_order(&guest, 0);
    finish(&guest, 0, 0);
    guest.sample.reporting_order = 0;
    guest.sample.reportable = 200 * MIB;
    assert_int_equal(step(&guest), ACTION_KICK_REPORTING);
    finish(&guest, 0, 0);
    guest.policy.trickle = 512 * MIB;
    use_policy(&guest);
    guest.user = 2000;
    assert_int_equal(run(&guest, 8), ACTION_RESTORE_ORDER);
}

/* A guest that is never idle; its cache is at the floor, what was taken lies in pieces. */
static void lower_order_in_a_trickle(struct guest *guest)
{
    guest_init(guest);
    guest->policy.trickle = 512 * MIB;
    use_policy(guest);
    guest->user = 2000;
    guest->sample.free_blocks[6] = 200 * MIB / 4096 / 64;
    guest->sample.trapped = 200 * MIB;
    guest->sample.free = 4 * GIB + 200 * MIB;
    assert_int_equal(run(guest, 60), ACTION_SET_ORDER);
    assert_int_equal(guest->decision.order, 5);
    assert_reason(guest, ENGINE_TRICKLE);
    finish(guest, 0, 0);
    guest->sample.reporting_order = 5;
    guest->sample.reportable = 200 * MIB;
}

static void test_a_trickle_lowers_the_order_before_it_compacts(void **state)
{
    struct guest guest;

    lower_order_in_a_trickle(&guest);
    assert_int_equal(step(&guest), ACTION_KICK_REPORTING);
    finish(&guest, 0, 0);
    for (int i = 0; i < 9; i++) {
        guest.sample.reported += 20 * MIB;
        guest.sample.reportable -= 20 * MIB;
        assert_int_equal(step(&guest), ACTION_NONE);
        assert_reason(&guest, ENGINE_SETTLING);
    }
    guest.sample.reported += 20 * MIB;
    guest.sample.reportable -= 20 * MIB;
    assert_int_equal(run(&guest, 5), ACTION_RESTORE_ORDER);
    finish(&guest, 0, 0);
    guest.sample.reporting_order = 9;
    assert_int_equal(run(&guest, 3000), ACTION_NONE);
}

static void test_a_busy_guest_gets_the_order_back_at_once(void **state)
{
    struct guest guest;

    lower_order_in_a_trickle(&guest);
    assert_int_equal(step(&guest), ACTION_KICK_REPORTING);
    finish(&guest, 0, 0);
    guest.user = 9000;
    assert_int_equal(run(&guest, 8), ACTION_RESTORE_ORDER);
}

/* A guest at work whose order must not be lowered, up to the decision to compact. */
static void compact_in_a_trickle(struct guest *guest, uint64_t trapped)
{
    guest_init(guest);
    guest->policy.trickle = 512 * MIB;
    guest->policy.reporting_order = 9;
    use_policy(guest);
    guest->user = 2000;
    trap(guest, trapped);
    assert_int_equal(run(guest, 60), ACTION_COMPACT);
}

static void test_a_trickle_compacts_where_the_order_stays(void **state)
{
    struct guest guest;

    compact_in_a_trickle(&guest, 200 * MIB);
    assert_reason(&guest, ENGINE_TRICKLE);
}

/* What a trickle did to the busy guest does not keep the idle one waiting. */
static void test_idle_work_compacts_after_a_trickle_did(void **state)
{
    struct guest guest;

    compact_in_a_trickle(&guest, 100 * MIB);
    finish(&guest, 100 * MIB, NSEC_PER_MSEC);
    assert_int_equal(run(&guest, 60), ACTION_NONE); /* its own interval holds */
    guest.user = 0;
    assert_int_equal(run(&guest, 200), ACTION_COMPACT);
    assert_reason(&guest, ENGINE_IDLE_WORK);
    finish(&guest, 100 * MIB, NSEC_PER_MSEC);
    trap(&guest, 200 * MIB);
    /* three times the least gain: after a ninth of the interval */
    assert_int_equal(run(&guest, 60), ACTION_NONE);
    assert_int_equal(run(&guest, 10), ACTION_COMPACT);
}

static void test_idle_work_lowers_the_order_after_a_trickle_did(void **state)
{
    struct guest guest;

    lower_order_in_a_trickle(&guest);
    guest.policy.compact = false;
    use_policy(&guest);
    assert_int_equal(step(&guest), ACTION_KICK_REPORTING);
    finish(&guest, 0, 0);
    guest.sample.reported += 200 * MIB;
    guest.sample.reportable = 0;
    assert_int_equal(run(&guest, 20), ACTION_RESTORE_ORDER);
    finish(&guest, 0, 0);
    guest.sample.reporting_order = 9;
    guest.user = 0;
    guest.sample.reported -= 200 * MIB; /* the guest used it and left it in pieces again */
    assert_int_equal(run(&guest, 200), ACTION_SET_ORDER);
    assert_reason(&guest, ENGINE_IDLE_WORK);
}

/* A compaction brings most of it sooner than the kernel reports it in single pages. */
static void test_idleness_ends_a_trickles_order(void **state)
{
    struct guest guest;

    lower_order_in_a_trickle(&guest);
    guest.policy.idle_window = SECONDS(10);
    use_policy(&guest);
    assert_int_equal(step(&guest), ACTION_KICK_REPORTING);
    finish(&guest, 0, 0);
    guest.user = 0;
    guest.sample.reported += 20 * MIB;
    guest.sample.reportable -= 20 * MIB;
    assert_int_equal(run(&guest, 10), ACTION_RESTORE_ORDER);
    assert_true(guest.sample.reportable > 100 * MIB);
    finish(&guest, 0, 0);
    guest.sample.reporting_order = 9;
    guest.sample.reportable = 0;
    assert_int_equal(step(&guest), ACTION_COMPACT);
    assert_reason(&guest, ENGINE_IDLE_WORK);
}

/* The work that a trickle's lowered order makes does not put idleness off. */
static void test_the_worker_at_a_trickles_order_is_no_activity(void **state)
{
    struct guest guest;

    lower_order_in_a_trickle(&guest);
    assert_int_equal(step(&guest), ACTION_KICK_REPORTING);
    finish(&guest, 0, 0);
    guest.user = 0;
    guest.system = 500; /* a fifth of one CPU of four */
    run(&guest, 8);
    assert_true(guest.engine.is_calm);
    guest.system = 2000;
    run(&guest, 8);
    assert_false(guest.engine.is_calm);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lowers_kicks_and_restores),
        cmocka_unit_test(test_the_host_limits_the_order),
        cmocka_unit_test(test_the_policy_limits_the_order),
        cmocka_unit_test(test_waking_restores_at_once),
        cmocka_unit_test(test_a_policy_that_only_observes_restores),
        cmocka_unit_test(test_restoring_is_tried_again),
        cmocka_unit_test(test_not_lowered_for_ever),
        cmocka_unit_test(test_waking_to_a_trickle_restores_too),
        cmocka_unit_test(test_a_trickle_lowers_the_order_before_it_compacts),
        cmocka_unit_test(test_a_busy_guest_gets_the_order_back_at_once),
        cmocka_unit_test(test_a_trickle_compacts_where_the_order_stays),
        cmocka_unit_test(test_idle_work_compacts_after_a_trickle_did),
        cmocka_unit_test(test_idle_work_lowers_the_order_after_a_trickle_did),
        cmocka_unit_test(test_idleness_ends_a_trickles_order),
        cmocka_unit_test(test_the_worker_at_a_trickles_order_is_no_activity),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
