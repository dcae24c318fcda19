/* What the engine does to free memory, and what that may cost: compaction, reporting passes,
 * back-off, budget. */
#include "tests/unit/agent/engine/guest.h"

/* ---- free memory ---- */

static void test_compacts_when_it_promises_enough(void **state)
{
    struct guest guest;

    guest_init(&guest);
    guest.policy.reporting_order = 9;
    use_policy(&guest);
    trap(&guest, 60 * MIB);
    assert_int_equal(run(&guest, 200), ACTION_NONE);
    assert_reason(&guest, ENGINE_NOTHING_TO_GAIN);
    trap(&guest, 400 * MIB);
    assert_int_equal(step(&guest), ACTION_COMPACT);
    assert_true(guest.decision.expected_gain == 400 * MIB);
    trap(&guest, 100 * MIB);
    finish(&guest, 300 * MIB, NSEC_PER_SEC);
    /* what it could not help is no reason for another one, at any time */
    assert_int_equal(run(&guest, 2000), ACTION_NONE);
    trap(&guest, 300 * MIB);
    assert_int_equal(step(&guest), ACTION_COMPACT);
    trap(&guest, 0);
    finish(&guest, 300 * MIB, NSEC_PER_SEC);
    step(&guest);
    trap(&guest, 100 * MIB);
    assert_int_equal(run(&guest, 590), ACTION_NONE); /* compact_interval */
    assert_int_equal(run(&guest, 20), ACTION_COMPACT);
}

/* A guest that has just become calm is compacted when it is idle; one that never is, at once. */
static void test_a_calm_guest_waits_for_idleness(void **state)
{
    struct guest guest;

    guest_init(&guest);
    guest.policy.reporting_order = 9;
    guest.policy.trickle = 512 * MIB;
    use_policy(&guest);
    guest.user = 2000;
    run(&guest, 60);
    guest.user = 0;
    run(&guest, 16);
    trap(&guest, 2 * GIB);
    assert_int_equal(run(&guest, 100), ACTION_NONE);
    assert_int_equal(run(&guest, 30), ACTION_COMPACT);
    assert_true(guest.decision.reason == ENGINE_IDLE_WORK);

    guest_init(&guest);
    guest.policy.trickle = 512 * MIB;
    use_policy(&guest);
    guest.user = 2000;
    run(&guest, 60);
    trap(&guest, 2 * GIB);
    assert_int_equal(step(&guest), ACTION_COMPACT);
    assert_true(guest.decision.reason == ENGINE_TRICKLE);
}

/* That nothing is left to gain is said of a guest at work, too. */
static void test_a_guest_at_work_is_not_idle(void **state)
{
    struct guest guest;

    guest_init(&guest);
    guest.policy.trickle = 512 * MIB;
    use_policy(&guest);
    guest.user = 2000;
    run(&guest, 200);
    assert_reason(&guest, ENGINE_NOTHING_TO_GAIN);
    assert_false(guest.decision.is_idle);
    guest.user = 0;
    run(&guest, 200);
    assert_reason(&guest, ENGINE_NOTHING_TO_GAIN);
    assert_true(guest.decision.is_idle);
}

static void test_failing_work_backs_off(void **state)
{
    struct guest guest;
    unsigned attempts = 0;

    guest_init(&guest);
    guest.sample.cache = GIB;
    run(&guest, 120);
    for (unsigned i = 0; i < 3600; i++)
        if (step(&guest) == ACTION_RECLAIM_CACHE) {
            attempts++;
            finish(&guest, 0, NSEC_PER_MSEC); /* EAGAIN: nothing could be taken */
        }
    /* after 0, 1, 3, 7, 15 and 31 minutes */
    assert_int_equal(attempts, 6);
    assert_reason(&guest, ENGINE_BACKED_OFF);
}

/* Nothing came of a trickle while the guest read what it took. Then the guest is idle. */
static void test_a_trickle_that_failed_does_not_hold_idle_work(void **state)
{
    struct guest guest;

    guest_init(&guest);
    guest.policy.trickle = 512 * MIB;
    use_policy(&guest);
    guest.user = 2000;
    guest.sample.cache = GIB;
    for (unsigned i = 0; i < 3;) /* the last waits for four minutes */
        if (step(&guest) == ACTION_RECLAIM_CACHE) {
            finish(&guest, 0, NSEC_PER_MSEC);
            i++;
        }
    guest.user = 0;
    assert_int_equal(run(&guest, 130), ACTION_RECLAIM_CACHE);
    assert_reason(&guest, ENGINE_IDLE_WORK);
}

static void test_low_gain_per_cpu_second_backs_off(void **state)
{
    struct backoff backoff = {0};

    backoff_judge(&backoff, 1, 256 * MIB, 256 * MIB, SECONDS(1));
    assert_false(backoff_holds(&backoff, 2));
    backoff_judge(&backoff, 1, 256 * MIB, 256 * MIB, SECONDS(60));
    assert_true(backoff_holds(&backoff, SECONDS(59)));
    assert_false(backoff_holds(&backoff, SECONDS(61)));
    for (int i = 0; i < 100; i++)
        backoff_judge(&backoff, 0, 256 * MIB, 0, 0);
    assert_true(backoff.until == SECONDS(8 * 3600));
    backoff_judge(&backoff, 1, 256 * MIB, 32 * MIB, 0);
    assert_false(backoff_holds(&backoff, 2));
}

static void test_unsupported_is_never_asked_again(void **state)
{
    struct guest guest;
    struct engine_result result = {.action = ACTION_RECLAIM_CACHE, .supported = false};

    guest_init(&guest);
    guest.sample.cache = GIB;
    assert_int_equal(run(&guest, 130), ACTION_RECLAIM_CACHE);
    engine_finished(&guest.engine, &result, guest.sample.boottime);
    assert_int_equal(run(&guest, 10), ACTION_DROP_CACHES);
    result.action = ACTION_DROP_CACHES;
    engine_finished(&guest.engine, &result, guest.sample.boottime);
    assert_int_equal(run(&guest, 4000), ACTION_NONE);
}

static void test_the_budget_is_kept(void **state)
{
    struct guest guest;
    nsec_t spent = 0;

    guest_init(&guest);
    guest.sample.cache = 7 * GIB;
    run(&guest, 121);
    for (unsigned i = 0; i < 600; i++)
        if (guest.decision.action == ACTION_RECLAIM_CACHE || step(&guest) == ACTION_RECLAIM_CACHE) {
            nsec_t cpu =
                guest.decision.time_limit < SECONDS(7) ? guest.decision.time_limit : SECONDS(7);
            spent += cpu;
            finish(&guest, 256 * MIB, cpu);
            guest.decision.action = ACTION_NONE;
        }
    assert_in_range(spent, SECONDS(59), SECONDS(60));
    assert_reason(&guest, ENGINE_BUDGET_SPENT);
    assert_int_equal(run(&guest, 2900), ACTION_NONE);
    assert_int_equal(run(&guest, 700), ACTION_RECLAIM_CACHE);
}

static void test_a_budget_slot_counts_until_all_of_it_is_old(void **state)
{
    struct budget budget = {0};

    budget_charge(&budget, SECONDS(299), SECONDS(5));
    assert_true(budget_left(&budget, SECONDS(300 + 3600 - 1), SECONDS(5)) == 0);
    assert_true(budget_left(&budget, SECONDS(300 + 3600), SECONDS(5)) == SECONDS(5));
    budget_charge(&budget, SECONDS(90000), SECONDS(1));
    assert_true(budget_left(&budget, SECONDS(90000), SECONDS(5)) == SECONDS(4));
}

static void test_nothing_to_do_without_reporting(void **state)
{
    struct guest guest;

    guest_init(&guest);
    guest.sample.cache = GIB;
    guest.sample.reporting_order = ORDER_COUNT_MAX;
    trap(&guest, GIB);
    assert_int_equal(run(&guest, 400), ACTION_NONE);
    assert_reason(&guest, ENGINE_NOTHING_TO_GAIN);
}

/* Pulses of its balloon take what is free: cache is worth freeing, and nothing else is. */
static void test_frees_cache_for_a_host_that_takes_it(void **state)
{
    struct guest guest;

    guest_init(&guest);
    guest.sample.cache = GIB;
    guest.sample.reporting_order = ORDER_COUNT_MAX;
    engine_set_host_takes_free(&guest.engine, true);
    assert_int_equal(run(&guest, 400), ACTION_RECLAIM_CACHE);
    finish(&guest, GIB - guest.engine.policy.cache_floor, 0);
    guest.sample.cache = guest.engine.policy.cache_floor;
    trap(&guest, GIB);
    assert_int_equal(run(&guest, 400), ACTION_NONE);
    assert_reason(&guest, ENGINE_NOTHING_TO_GAIN);
}

static void test_kicks_when_no_pass_starts(void **state)
{
    struct guest guest;

    guest_init(&guest);
    run(&guest, 200);
    guest.sample.reported += 64 * MIB; /* a pass has just taken some */
    guest.sample.reportable = GIB;
    assert_int_equal(run(&guest, 12), ACTION_NONE);
    assert_int_equal(step(&guest), ACTION_KICK_REPORTING);
    finish(&guest, 0, 0);
    assert_int_equal(run(&guest, 59), ACTION_NONE);
    assert_int_equal(step(&guest), ACTION_KICK_REPORTING);
    finish(&guest, 0, 0);
    guest.sample.reported += GIB;
    guest.sample.reportable = 0;
    assert_int_equal(run(&guest, 100), ACTION_NONE);
    /* what the watermark holds back cannot be kicked loose */
    guest.sample.reported -= GIB;
    guest.sample.reportable = guest.sample.held_back = GIB;
    assert_int_equal(run(&guest, 100), ACTION_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_compacts_when_it_promises_enough),
        cmocka_unit_test(test_a_calm_guest_waits_for_idleness),
        cmocka_unit_test(test_a_guest_at_work_is_not_idle),
        cmocka_unit_test(test_failing_work_backs_off),
        cmocka_unit_test(test_a_trickle_that_failed_does_not_hold_idle_work),
        cmocka_unit_test(test_low_gain_per_cpu_second_backs_off),
        cmocka_unit_test(test_unsupported_is_never_asked_again),
        cmocka_unit_test(test_the_budget_is_kept),
        cmocka_unit_test(test_a_budget_slot_counts_until_all_of_it_is_old),
        cmocka_unit_test(test_nothing_to_do_without_reporting),
        cmocka_unit_test(test_frees_cache_for_a_host_that_takes_it),
        cmocka_unit_test(test_kicks_when_no_pass_starts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
