/* The engine's gates, each alone: idleness, pressure, schedules, and when it samples. */
#include "tests/unit/agent/engine/guest.h"

#include <string.h>

/* ---- idleness ---- */

static void test_acts_after_the_window_not_before(void **state)
{
    struct guest guest;

    guest_init(&guest);
    guest.sample.cache = GIB;
    assert_int_equal(run(&guest, 120), ACTION_NONE);
    assert_reason(&guest, ENGINE_NOT_YET_IDLE);
    assert_int_equal(run(&guest, 2), ACTION_RECLAIM_CACHE);
    assert_reason(&guest, ENGINE_IDLE_WORK);
    assert_true(guest.decision.bytes == 256 * MIB);
    assert_true(guest.decision.time_limit == guest.policy.compact_time_limit);
}

static void test_warms_up(void **state)
{
    struct guest guest;

    guest_init(&guest);
    assert_int_equal(step(&guest), ACTION_NONE);
    assert_reason(&guest, ENGINE_WARMING_UP);
    /* not even a force window makes it act on the first samples */
    guest.sample.cache = GIB;
    guest.policy.schedule_count = 1;
    assert_int_equal(
        schedule_parse("* * * * *", "1h", "force", NULL, &guest.policy.schedules[0], NULL), 0);
    use_policy(&guest);
    engine_set_wall_time(&guest.engine, (int64_t)SECONDS(86400), guest.sample.boottime);
    assert_int_equal(step(&guest), ACTION_NONE);
    assert_reason(&guest, ENGINE_WARMING_UP);
    assert_int_equal(step(&guest), ACTION_RECLAIM_CACHE);
}

/* A sample comes with each event; clock ticks say nothing about a tenth of a second. */
static void test_samples_in_a_hurry_warm_nothing_up(void **state)
{
    struct guest guest;

    guest_init(&guest);
    guest.interval = NSEC_PER_SEC / 10;
    for (int i = 0; i < 10; i++) {
        assert_int_equal(step(&guest), ACTION_NONE);
        assert_reason(&guest, ENGINE_WARMING_UP);
    }
    step(&guest);
    assert_reason(&guest, ENGINE_NOT_YET_IDLE);
}

static void test_window_mean_counts(void **state)
{
    struct guest guest;

    guest_init(&guest);
    guest.sample.cache = GIB;
    guest.user = 3000;
    run(&guest, 60);
    guest.user = 0;
    assert_int_equal(run(&guest, 110), ACTION_NONE);
    assert_int_equal(run(&guest, 30), ACTION_RECLAIM_CACHE);
}

/* A short burst stops work now, but the idle minutes before it stay counted. */
static void test_burst_blocks_only_now(void **state)
{
    struct guest guest;

    guest_init(&guest);
    run(&guest, 130);
    guest.sample.cache = GIB;
    guest.user = 800;
    assert_int_equal(run(&guest, 3), ACTION_NONE);
    assert_reason(&guest, ENGINE_BUSY);
    guest.user = 0;
    assert_int_equal(run(&guest, 30), ACTION_RECLAIM_CACHE);
}

/* Whoever waits for it to be idle is told that this may be in vain, and what would not be. */
static void test_a_guest_that_is_never_idle(void **state)
{
    struct guest guest;

    guest_init(&guest);
    policy_init(&guest.policy, POLICY_WSL);
    use_policy(&guest);
    guest.sample.cache = 8 * GIB;
    guest.user = 800;
    assert_int_equal(run(&guest, 1700), ACTION_NONE);
    assert_reason(&guest, ENGINE_BUSY);
    assert_int_equal(run(&guest, 200), ACTION_NONE);
    assert_reason(&guest, ENGINE_NEVER_IDLE);
    assert_non_null(strstr(engine_reason_text(ENGINE_NEVER_IDLE), "profile balanced"));
    guest.user = 0;
    assert_int_equal(run(&guest, 60), ACTION_NONE);
    assert_reason(&guest, ENGINE_NEVER_IDLE); /* calm, but not yet idle */
    assert_int_equal(run(&guest, 120), ACTION_DROP_CACHES);
}

/* 0.39 % of 256 CPUs is a whole one: a guest at work, whatever its profile. */
static void test_one_busy_cpu_of_many_is_work(void **state)
{
    for (int profile = POLICY_GENTLE; profile < POLICY_PROFILE_COUNT; profile++) {
        struct guest guest;

        guest_init(&guest);
        policy_init(&guest.policy, (enum policy_profile)profile);
        guest.policy.trickle = 0;
        use_policy(&guest);
        guest.sample.cpu_count = 256;
        guest.sample.cache = 8 * GIB;
        guest.user = 39;
        assert_int_equal(run(&guest, 900), ACTION_NONE);
        assert_reason(&guest, ENGINE_BUSY);
    }
}

/* What watches an idle guest takes as much of one with many CPUs: a twentieth of one here. */
static void test_many_idle_cpus_are_idle(void **state)
{
    struct guest guest;

    guest_init(&guest);
    guest.sample.cpu_count = 256;
    guest.sample.cache = GIB;
    guest.user = 2;
    assert_int_equal(run(&guest, 130), ACTION_RECLAIM_CACHE);
    assert_reason(&guest, ENGINE_IDLE_WORK);
}

static void test_gap_is_not_idleness(void **state)
{
    struct guest guest;

    guest_init(&guest);
    run(&guest, 130);
    guest.sample.cache = GIB;
    guest.interval = SECONDS(3600);
    assert_int_equal(step(&guest), ACTION_NONE);
    guest.interval = SECONDS(1);
    assert_int_equal(run(&guest, 119), ACTION_NONE);
    assert_int_equal(run(&guest, 5), ACTION_RECLAIM_CACHE);
}

static void test_counters_backwards_start_over(void **state)
{
    struct guest guest;

    guest_init(&guest);
    guest.user = 10;
    run(&guest, 130);
    guest.sample.cache = GIB;
    guest.sample.activity.cpu_busy = 0;
    guest.sample.activity.cpu_user = 0;
    guest.sample.activity.refault_file = 100;
    run(&guest, 30);
    guest.sample.activity.refault_file = 0;
    assert_int_equal(run(&guest, 100), ACTION_NONE);
    assert_int_equal(run(&guest, 30), ACTION_RECLAIM_CACHE);
    /* a counter that fell is not 2^64 pages read back */
    assert_true(guest.engine.floor.pain_at == 0);
}

static void test_own_sensing_is_no_activity(void **state)
{
    struct guest guest;

    guest_init(&guest);
    guest.sample.cache = GIB;
    guest.user = 100; /* 1 % of 4 CPUs, all of it ours */
    for (int i = 0; i < 125; i++) {
        guest.sample.activity.cpu_own += SECONDS(4) / 100;
        step(&guest);
    }
    assert_int_equal(guest.decision.reason, ENGINE_ACTING);
}

/* The child runs in the kernel, at most on one CPU; after it the reporting worker, on part of one.
 * The guest's own work does not. */
static void test_kernel_time_of_our_work_is_no_activity(void **state)
{
    struct guest guest;

    guest_init(&guest);
    guest.sample.cache = GIB;
    assert_int_equal(run(&guest, 130), ACTION_RECLAIM_CACHE);
    guest.system = 2500;
    for (int i = 0; i < 10; i++)
        assert_int_equal(step(&guest), ACTION_NONE);
    guest.sample.cache -= 256 * MIB;
    finish(&guest, 256 * MIB, NSEC_PER_SEC);
    guest.system = 500;
    assert_int_equal(step(&guest), ACTION_RECLAIM_CACHE);
    guest.user = 500;
    assert_stop(&guest, 2);
    assert_reason(&guest, ENGINE_BUSY);
    assert_int_equal(run(&guest, 10), ACTION_NONE);
}

/* A file server works in the kernel alone. */
static void test_kernel_load_of_others_ends_idle_work(void **state)
{
    struct guest guest;

    guest_init(&guest);
    guest.sample.cache = 4 * GIB;
    assert_int_equal(run(&guest, 130), ACTION_RECLAIM_CACHE);
    guest.system = 5000; /* two CPUs, one may be ours */
    assert_stop(&guest, 2);
    assert_reason(&guest, ENGINE_BUSY);
    finish(&guest, 64 * MIB, NSEC_PER_SEC);
    guest.system = 1000; /* after it no more than a quarter of one */
    assert_int_equal(run(&guest, 300), ACTION_NONE);
}

/* Behind a compaction, while it takes what came free. */
static void test_the_reporting_worker_is_no_activity(void **state)
{
    struct guest guest;

    guest_init(&guest);
    engine_set_lowest_order(&guest.engine, 0);
    trap(&guest, 200 * MIB);
    assert_int_equal(run(&guest, 130), ACTION_COMPACT);
    finish(&guest, 25 * MIB, NSEC_PER_SEC);
    guest.system = 500;
    guest.sample.reportable = 64 * MIB;
    assert_int_equal(run(&guest, 10), ACTION_NONE);
    assert_reason(&guest, ENGINE_SETTLING);
    guest.sample.reportable = 0;
    assert_int_equal(run(&guest, 10), ACTION_SET_ORDER);
}

static void test_a_trickle_does_not_hide_kernel_load(void **state)
{
    struct guest guest;

    guest_init(&guest);
    guest.policy.trickle = 60 * MIB;
    use_policy(&guest);
    guest.sample.cache = 4 * GIB;
    guest.system = 500; /* a fifth of one CPU */
    for (int i = 0; i < 600; i++)
        if (step(&guest) == ACTION_RECLAIM_CACHE) {
            assert_reason(&guest, ENGINE_TRICKLE);
            finish(&guest, guest.decision.bytes, NSEC_PER_MSEC);
        }
}

static void test_kernel_time_of_others_is_activity(void **state)
{
    struct guest guest;

    guest_init(&guest);
    guest.sample.cache = GIB;
    guest.system = 200;
    assert_int_equal(run(&guest, 200), ACTION_NONE);
    assert_reason(&guest, ENGINE_BUSY);
}

/* Timers, RCU and the like: a guest with nothing to do is idle all the same. */
static void test_the_kernel_of_an_idle_guest_is_no_activity(void **state)
{
    struct guest guest;

    guest_init(&guest);
    guest.sample.cache = GIB;
    guest.system = 75; /* 3 % of one CPU of four */
    assert_int_equal(run(&guest, 200), ACTION_RECLAIM_CACHE);
    assert_reason(&guest, ENGINE_IDLE_WORK);
}

/* ---- pressure ---- */

static void test_pressure_gates(void **state)
{
    struct guest guest;

    guest_init(&guest);
    run(&guest, 130);
    guest.psi_memory = 20000; /* 2 % */
    run(&guest, 10);
    guest.sample.cache = GIB;
    assert_int_equal(run(&guest, 30), ACTION_NONE);
    assert_reason(&guest, ENGINE_PRESSURE);
    guest.psi_memory = 0;
    assert_int_equal(run(&guest, 20), ACTION_RECLAIM_CACHE);
    guest.psi_io = 100000;
    assert_stop(&guest, 10);
    assert_reason(&guest, ENGINE_PRESSURE);
    finish(&guest, 0, 0);
    assert_int_equal(run(&guest, 30), ACTION_NONE);
    assert_reason(&guest, ENGINE_PRESSURE);
    guest.psi_io = 0;
    assert_int_equal(run(&guest, 20), ACTION_RECLAIM_CACHE);
}

/* ---- schedules ---- */

static void schedule(struct guest *guest, const char *effect)
{
    guest_init(guest);
    guest->sample.cache = GIB;
    guest->policy.schedule_count = 1;
    assert_int_equal(
        schedule_parse("10 * * * *", "5m", effect, NULL, &guest->policy.schedules[0], NULL), 0);
    use_policy(guest);
    engine_set_wall_time(&guest->engine, 0, guest->sample.boottime);
}

static void test_forbidden_window(void **state)
{
    struct guest guest;

    schedule(&guest, "forbid");
    run(&guest, 130);
    assert_int_equal(guest.decision.action, ACTION_RECLAIM_CACHE);
    finish(&guest, 256 * MIB, 0);
    guest.interval = SECONDS(10);
    guest.sample.cache = 128 * MIB;
    run(&guest, 48); /* until 600 s and more have passed */
    guest.sample.cache = GIB;
    assert_int_equal(run(&guest, 25), ACTION_NONE);
    assert_reason(&guest, ENGINE_FORBIDDEN);
    assert_int_equal(run(&guest, 10), ACTION_RECLAIM_CACHE);
}

static void test_force_window_does_not_wait_for_idleness(void **state)
{
    struct guest guest;

    schedule(&guest, "force");
    guest.user = 9000;
    assert_int_equal(run(&guest, 590), ACTION_NONE);
    assert_int_equal(run(&guest, 20), ACTION_RECLAIM_CACHE);
    assert_int_equal(run(&guest, 5), ACTION_NONE);
    guest.psi_memory = 50000;
    assert_stop(&guest, 5); /* pressure still holds */
}

static void test_unknown_wall_time_forbids(void **state)
{
    struct guest guest;

    schedule(&guest, "allow");
    guest.engine.knows_wall_time = false;
    assert_int_equal(run(&guest, 1000), ACTION_NONE);
    assert_reason(&guest, ENGINE_FORBIDDEN);
}

/* ---- the rest ---- */

static void test_samples_slow_down_when_nothing_happens(void **state)
{
    struct guest guest;

    guest_init(&guest);
    run(&guest, 5);
    assert_true(guest.decision.next_sample <= guest.sample.boottime + guest.policy.sample_interval);
    run(&guest, 200);
    assert_true(guest.decision.next_sample == guest.sample.boottime + guest.policy.sample_interval);
    guest.sample.cache = GIB;
    assert_int_equal(step(&guest), ACTION_RECLAIM_CACHE);
    assert_true(guest.decision.next_sample == guest.sample.boottime + SECONDS(1));
}

/* With a short window a guest that has been busy is looked at often enough to see its end. */
static void test_idleness_is_noticed_within_an_eighth_of_its_window(void **state)
{
    struct guest guest;

    guest_init(&guest);
    guest.policy.idle_window = SECONDS(24);
    guest.policy.trickle = 512 * MIB;
    use_policy(&guest);
    guest.user = 9000;
    run(&guest, 60);
    assert_true(guest.decision.next_sample == guest.sample.boottime + SECONDS(3));
    guest.user = 1000; /* a trickle */
    run(&guest, 60);
    assert_reason(&guest, ENGINE_NOTHING_TO_GAIN);
    assert_true(guest.decision.next_sample == guest.sample.boottime + SECONDS(3));
    guest.user = 0;
    run(&guest, 60);
    assert_true(guest.decision.next_sample == guest.sample.boottime + guest.policy.sample_interval);
}

static void test_every_reason_has_a_text(void **state)
{
    for (unsigned i = 0; i < ENGINE_REASON_COUNT; i++)
        assert_true(strlen(engine_reason_text((enum engine_reason)i)) > 10);
    assert_string_equal(engine_reason_text((enum engine_reason)99), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_acts_after_the_window_not_before),
        cmocka_unit_test(test_warms_up),
        cmocka_unit_test(test_samples_in_a_hurry_warm_nothing_up),
        cmocka_unit_test(test_window_mean_counts),
        cmocka_unit_test(test_burst_blocks_only_now),
        cmocka_unit_test(test_a_guest_that_is_never_idle),
        cmocka_unit_test(test_one_busy_cpu_of_many_is_work),
        cmocka_unit_test(test_many_idle_cpus_are_idle),
        cmocka_unit_test(test_gap_is_not_idleness),
        cmocka_unit_test(test_counters_backwards_start_over),
        cmocka_unit_test(test_own_sensing_is_no_activity),
        cmocka_unit_test(test_kernel_time_of_our_work_is_no_activity),
        cmocka_unit_test(test_kernel_load_of_others_ends_idle_work),
        cmocka_unit_test(test_the_reporting_worker_is_no_activity),
        cmocka_unit_test(test_a_trickle_does_not_hide_kernel_load),
        cmocka_unit_test(test_kernel_time_of_others_is_activity),
        cmocka_unit_test(test_the_kernel_of_an_idle_guest_is_no_activity),
        cmocka_unit_test(test_pressure_gates),
        cmocka_unit_test(test_forbidden_window),
        cmocka_unit_test(test_force_window_does_not_wait_for_idleness),
        cmocka_unit_test(test_unknown_wall_time_forbids),
        cmocka_unit_test(test_samples_slow_down_when_nothing_happens),
        cmocka_unit_test(test_idleness_is_noticed_within_an_eighth_of_its_window),
        cmocka_unit_test(test_every_reason_has_a_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
