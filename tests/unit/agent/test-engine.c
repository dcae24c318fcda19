/* The engine: each gate and each step of the ladder alone, on samples made by hand. What must hold
 * in any order of events is in tests/sim. */
#include "tests/lib/test.h"

#include <string.h>

#include "agent/engine/engine-state.h"
#include "agent/engine/ladder.h"
#include "common/base/number.h"

#define SECONDS(n) ((nsec_t)(n)*NSEC_PER_SEC)

struct guest {
    struct policy policy;
    struct engine engine;
    struct memory_sample sample;
    struct engine_decision decision;
    nsec_t interval;
    uint32_t user;               /* permyriad of all CPUs */
    uint32_t system;             /* the same */
    uint64_t psi_memory, psi_io; /* microseconds per second */
    uint64_t refaults;           /* pages per second */
};

/* 4 CPUs, 8 GiB, all free and reported, 128 MiB of cache: nothing to do. */
static void guest_init(struct guest *guest)
{
    memset(guest, 0, sizeof(*guest));
    guest->interval = SECONDS(1);
    policy_init(&guest->policy, POLICY_BALANCED);
    guest->policy.trickle = 0; /* where a test is about it, it says so */
    guest->sample = (struct memory_sample){
        .boottime = SECONDS(1000),
        .total = 8 * GIB,
        .free = 4 * GIB,
        .reported = 4 * GIB,
        .reported_is_known = true,
        .cache = 128 * MIB,
        .order_count = 11,
        .page_size = 4096,
        .pageblock_order = 9,
        .reporting_order = 9,
        .cpu_count = 4,
    };
    guest->sample.free_blocks[10] = 1024;
    engine_init(&guest->engine, &guest->policy, guest->sample.boottime);
}

static void use_policy(struct guest *guest)
{
    engine_set_policy(&guest->engine, &guest->policy, guest->sample.boottime);
}

static enum engine_action_kind step(struct guest *guest)
{
    struct memory_sample *sample = &guest->sample;
    nsec_t capacity = 4 * guest->interval;

    sample->boottime += guest->interval;
    sample->cpu_user += capacity / 10000 * guest->user;
    sample->cpu_busy += capacity / 10000 * (guest->user + guest->system);
    sample->cpu_total += capacity;
    sample->psi_memory_some += guest->psi_memory * guest->interval / NSEC_PER_SEC;
    sample->psi_io_some += guest->psi_io * guest->interval / NSEC_PER_SEC;
    sample->refault_file += guest->refaults * guest->interval / NSEC_PER_SEC;
    engine_step(&guest->engine, sample, &guest->decision);
    return guest->decision.action;
}

/* Steps until an action is asked for; fails when there is one within `seconds` and none wanted. */
static enum engine_action_kind run(struct guest *guest, unsigned seconds)
{
    for (unsigned i = 0; i < seconds; i++)
        if (step(guest) != ENGINE_NOTHING)
            return guest->decision.action;
    return ENGINE_NOTHING;
}

static void finish(struct guest *guest, uint64_t gained, nsec_t cpu)
{
    struct engine_result result = {.action = guest->decision.action,
                                   .completed = true,
                                   .supported = true,
                                   .gained = gained,
                                   .cpu = cpu,
                                   .duration = SECONDS(1)};
    engine_finished(&guest->engine, &result, guest->sample.boottime);
}

static void trap(struct guest *guest, uint64_t bytes)
{
    guest->sample.free_blocks[0] = bytes / 4096;
    guest->sample.trapped = bytes;
    guest->sample.free = 4 * GIB + bytes;
}

static void assert_reason(const struct guest *guest, enum engine_reason reason)
{
    assert_string_equal(engine_reason_text(guest->decision.reason), engine_reason_text(reason));
}

/* Reclaims down to the floor, so that the next rung is free. */
static void take_cache(struct guest *guest)
{
    while (guest->decision.action == ENGINE_RECLAIM_CACHE) {
        guest->sample.cache -= guest->decision.bytes;
        finish(guest, guest->decision.bytes, NSEC_PER_MSEC);
        (void)step(guest);
    }
}

/* ---- idleness ---- */

static void test_acts_after_the_window_not_before(void **state)
{
    struct guest guest;

    (void)state;
    guest_init(&guest);
    guest.sample.cache = GIB;
    assert_int_equal(run(&guest, 120), ENGINE_NOTHING);
    assert_reason(&guest, ENGINE_NOT_YET_IDLE);
    assert_int_equal(run(&guest, 2), ENGINE_RECLAIM_CACHE);
    assert_reason(&guest, ENGINE_IDLE_WORK);
    assert_true(guest.decision.bytes == 256 * MIB);
    assert_true(guest.decision.time_limit == guest.policy.compact_time_limit);
}

static void test_warms_up(void **state)
{
    struct guest guest;

    (void)state;
    guest_init(&guest);
    assert_int_equal(step(&guest), ENGINE_NOTHING);
    assert_reason(&guest, ENGINE_WARMING_UP);
    /* not even a force window makes it act on the first samples */
    guest.sample.cache = GIB;
    guest.policy.schedule_count = 1;
    assert_int_equal(
        schedule_parse("* * * * *", "1h", "force", NULL, &guest.policy.schedules[0], NULL), 0);
    use_policy(&guest);
    engine_set_wall_time(&guest.engine, (int64_t)SECONDS(86400), guest.sample.boottime);
    assert_int_equal(step(&guest), ENGINE_NOTHING);
    assert_reason(&guest, ENGINE_WARMING_UP);
    assert_int_equal(step(&guest), ENGINE_RECLAIM_CACHE);
}

static void test_window_mean_counts(void **state)
{
    struct guest guest;

    (void)state;
    guest_init(&guest);
    guest.sample.cache = GIB;
    guest.user = 3000;
    (void)run(&guest, 60);
    guest.user = 0;
    assert_int_equal(run(&guest, 110), ENGINE_NOTHING);
    assert_int_equal(run(&guest, 30), ENGINE_RECLAIM_CACHE);
}

/* A short burst stops work now, but the idle minutes before it stay counted. */
static void test_burst_blocks_only_now(void **state)
{
    struct guest guest;

    (void)state;
    guest_init(&guest);
    (void)run(&guest, 130);
    guest.sample.cache = GIB;
    guest.user = 800;
    assert_int_equal(run(&guest, 3), ENGINE_NOTHING);
    assert_reason(&guest, ENGINE_BUSY);
    guest.user = 0;
    assert_int_equal(run(&guest, 30), ENGINE_RECLAIM_CACHE);
}

static void test_gap_is_not_idleness(void **state)
{
    struct guest guest;

    (void)state;
    guest_init(&guest);
    (void)run(&guest, 130);
    guest.sample.cache = GIB;
    guest.interval = SECONDS(3600);
    assert_int_equal(step(&guest), ENGINE_NOTHING);
    guest.interval = SECONDS(1);
    assert_int_equal(run(&guest, 119), ENGINE_NOTHING);
    assert_int_equal(run(&guest, 5), ENGINE_RECLAIM_CACHE);
}

static void test_counters_backwards_start_over(void **state)
{
    struct guest guest;

    (void)state;
    guest_init(&guest);
    guest.user = 10;
    (void)run(&guest, 130);
    guest.sample.cache = GIB;
    guest.sample.cpu_busy = 0;
    guest.sample.cpu_user = 0;
    guest.sample.refault_file = 100;
    (void)run(&guest, 30);
    guest.sample.refault_file = 0;
    assert_int_equal(run(&guest, 100), ENGINE_NOTHING);
    assert_int_equal(run(&guest, 30), ENGINE_RECLAIM_CACHE);
    /* a counter that fell is not 2^64 pages read back */
    assert_true(guest.engine.floor.pain_at == 0);
}

static void test_own_sensing_is_no_activity(void **state)
{
    struct guest guest;

    (void)state;
    guest_init(&guest);
    guest.sample.cache = GIB;
    guest.user = 100; /* 1 % of 4 CPUs, all of it ours */
    for (int i = 0; i < 125; i++) {
        guest.sample.cpu_own += SECONDS(4) / 100;
        (void)step(&guest);
    }
    assert_int_equal(guest.decision.reason, ENGINE_ACTING);
}

/* The child and the reporting worker run in the kernel; the guest's own work does not. */
static void test_kernel_time_of_our_work_is_no_activity(void **state)
{
    struct guest guest;

    (void)state;
    guest_init(&guest);
    guest.sample.cache = GIB;
    assert_int_equal(run(&guest, 130), ENGINE_RECLAIM_CACHE);
    guest.system = 2500;
    for (int i = 0; i < 10; i++)
        assert_int_equal(step(&guest), ENGINE_NOTHING);
    guest.sample.cache -= 256 * MIB;
    finish(&guest, 256 * MIB, NSEC_PER_SEC);
    assert_int_equal(step(&guest), ENGINE_RECLAIM_CACHE);
    guest.user = 500;
    assert_int_equal(run(&guest, 2), ENGINE_STOP);
    assert_reason(&guest, ENGINE_BUSY);
    assert_int_equal(run(&guest, 10), ENGINE_NOTHING);
}

static void test_kernel_time_of_others_is_activity(void **state)
{
    struct guest guest;

    (void)state;
    guest_init(&guest);
    guest.sample.cache = GIB;
    guest.system = 200;
    assert_int_equal(run(&guest, 200), ENGINE_NOTHING);
    assert_reason(&guest, ENGINE_BUSY);
}

/* ---- pressure and refaults ---- */

static void test_pressure_gates(void **state)
{
    struct guest guest;

    (void)state;
    guest_init(&guest);
    (void)run(&guest, 130);
    guest.psi_memory = 20000; /* 2 % */
    (void)run(&guest, 10);
    guest.sample.cache = GIB;
    assert_int_equal(run(&guest, 30), ENGINE_NOTHING);
    assert_reason(&guest, ENGINE_PRESSURE);
    guest.psi_memory = 0;
    assert_int_equal(run(&guest, 20), ENGINE_RECLAIM_CACHE);
    guest.psi_io = 100000;
    assert_int_equal(run(&guest, 10), ENGINE_STOP);
    assert_reason(&guest, ENGINE_PRESSURE);
    finish(&guest, 0, 0);
    assert_int_equal(run(&guest, 30), ENGINE_NOTHING);
    assert_reason(&guest, ENGINE_PRESSURE);
    guest.psi_io = 0;
    assert_int_equal(run(&guest, 20), ENGINE_RECLAIM_CACHE);
}

static void test_refaults_raise_the_floor(void **state)
{
    struct guest guest;

    (void)state;
    guest_init(&guest);
    guest.sample.cache = GIB;
    assert_int_equal(run(&guest, 130), ENGINE_RECLAIM_CACHE);
    take_cache(&guest);
    assert_true(guest.sample.cache < 160 * MIB);
    /* the guest wakes and reads 400 MiB back */
    guest.user = 2000;
    guest.refaults = 10240;
    for (int i = 0; i < 10; i++) {
        guest.sample.cache += 40 * MIB;
        assert_int_equal(step(&guest), ENGINE_NOTHING);
    }
    guest.refaults = 0;
    guest.sample.cache += GIB; /* and new data on top */
    guest.user = 0;
    /* calm again: the new data goes, the hot set with a quarter of room stays */
    while (run(&guest, 300) == ENGINE_RECLAIM_CACHE) {
        guest.sample.cache -= guest.decision.bytes;
        finish(&guest, guest.decision.bytes, NSEC_PER_MSEC);
    }
    assert_in_range(guest.sample.cache / MIB, 128 + 400, 128 + 500 + 64);
}

static void test_the_learned_floor_decays(void **state)
{
    struct cache_floor floor;
    struct cache_news news = {.cache = GIB, .refaulted = GIB / 2, .is_pain = true, .limit = GIB};
    uint64_t learned;

    (void)state;
    cache_floor_init(&floor, SECONDS(1));
    cache_floor_took(&floor, SECONDS(1), GIB, 256 * MIB);
    cache_floor_update(&floor, SECONDS(10), &news);
    assert_true(floor.learned == 896 * MIB);
    assert_false(cache_floor_is_calm(&floor, SECONDS(60)));
    assert_true(cache_floor_is_calm(&floor, SECONDS(70)));
    learned = floor.learned;
    news = (struct cache_news){.cache = GIB, .limit = GIB};
    for (unsigned t = 20; t <= 20 + 8 * 3600; t += 10)
        cache_floor_update(&floor, SECONDS(t), &news);
    assert_in_range(floor.learned, learned * 48 / 100, learned * 52 / 100);
    learned = floor.learned;
    news.is_idle = true;
    for (unsigned t = 28830; t <= 28820 + 3600; t += 10)
        cache_floor_update(&floor, SECONDS(t), &news);
    assert_in_range(floor.learned, learned * 45 / 100, learned * 52 / 100);
}

/* The kernel took it, not we: nothing is learned, but nothing is taken either. */
static void test_refaults_of_the_kernels_doing_teach_nothing(void **state)
{
    struct cache_floor floor;
    struct cache_news news = {.cache = GIB, .refaulted = GIB / 2, .is_pain = true, .limit = GIB};

    (void)state;
    cache_floor_init(&floor, SECONDS(1));
    cache_floor_update(&floor, SECONDS(10), &news);
    assert_true(floor.learned == 0);
    assert_false(cache_floor_is_calm(&floor, SECONDS(20)));
}

/* ---- cache ---- */

static void test_the_floor_is_kept(void **state)
{
    struct guest guest;

    (void)state;
    guest_init(&guest);
    guest.sample.cache = 128 * MIB + 100 * MIB;
    assert_int_equal(run(&guest, 130), ENGINE_RECLAIM_CACHE);
    assert_true(guest.decision.bytes == 100 * MIB);
    guest.sample.cache = 128 * MIB + 20 * MIB;
    finish(&guest, 80 * MIB, NSEC_PER_MSEC);
    assert_int_equal(run(&guest, 300), ENGINE_NOTHING);
    assert_reason(&guest, ENGINE_NOTHING_TO_GAIN);
}

static void test_trickle_is_bounded(void **state)
{
    struct guest guest;
    uint64_t taken = 0;

    (void)state;
    guest_init(&guest);
    guest.policy.trickle = 512 * MIB;
    use_policy(&guest);
    guest.sample.cache = 4 * GIB;
    guest.user = 2000;
    for (int i = 0; i < 90; i++)
        if (step(&guest) == ENGINE_RECLAIM_CACHE) {
            assert_reason(&guest, ENGINE_TRICKLE);
            taken += i >= 30 ? guest.decision.bytes : 0;
            finish(&guest, guest.decision.bytes, NSEC_PER_MSEC);
        }
    assert_in_range(taken / MIB, 400, 512);
}

static void test_no_trickle_from_a_busy_or_gentle_guest(void **state)
{
    struct guest guest;

    (void)state;
    guest_init(&guest);
    guest.policy.trickle = 512 * MIB;
    use_policy(&guest);
    guest.sample.cache = 4 * GIB;
    guest.user = 6000;
    assert_int_equal(run(&guest, 200), ENGINE_NOTHING);
    assert_reason(&guest, ENGINE_BUSY);
    policy_init(&guest.policy, POLICY_GENTLE);
    use_policy(&guest);
    guest.user = 2000;
    assert_int_equal(run(&guest, 200), ENGINE_NOTHING);
}

/* A trickle is not stopped by the load it began under, but by refaults. */
static void test_trickle_stops_on_refaults(void **state)
{
    struct guest guest;

    (void)state;
    guest_init(&guest);
    guest.policy.trickle = 512 * MIB;
    use_policy(&guest);
    guest.sample.cache = 4 * GIB;
    guest.user = 2000;
    assert_int_equal(run(&guest, 60), ENGINE_RECLAIM_CACHE);
    assert_int_equal(run(&guest, 5), ENGINE_NOTHING);
    guest.refaults = 5000;
    assert_int_equal(run(&guest, 5), ENGINE_STOP);
    assert_reason(&guest, ENGINE_REFAULTS);
}

static void test_drop_once_per_idle_period(void **state)
{
    struct guest guest;

    (void)state;
    guest_init(&guest);
    policy_init(&guest.policy, POLICY_WSL);
    use_policy(&guest);
    guest.sample.cache = GIB;
    assert_int_equal(run(&guest, 130), ENGINE_DROP_CACHES);
    assert_true(guest.decision.drop_slab);
    guest.sample.cache = 300 * MIB;
    finish(&guest, 724 * MIB, NSEC_PER_MSEC);
    assert_int_equal(run(&guest, 300), ENGINE_NOTHING);
    guest.sample.cache = 600 * MIB; /* grew by more than 256 MiB */
    assert_int_equal(run(&guest, 5), ENGINE_DROP_CACHES);
    finish(&guest, 500 * MIB, NSEC_PER_MSEC);
    guest.sample.cache = 300 * MIB;
    guest.user = 2000;
    (void)run(&guest, 10);
    guest.user = 0;
    assert_int_equal(run(&guest, 300), ENGINE_DROP_CACHES);
}

/* ---- free memory ---- */

static void test_compacts_when_it_promises_enough(void **state)
{
    struct guest guest;

    (void)state;
    guest_init(&guest);
    guest.policy.reporting_order = 9;
    use_policy(&guest);
    trap(&guest, 60 * MIB);
    assert_int_equal(run(&guest, 200), ENGINE_NOTHING);
    assert_reason(&guest, ENGINE_NOTHING_TO_GAIN);
    trap(&guest, 400 * MIB);
    assert_int_equal(step(&guest), ENGINE_COMPACT);
    assert_true(guest.decision.expected_gain == 400 * MIB);
    trap(&guest, 100 * MIB);
    finish(&guest, 300 * MIB, NSEC_PER_SEC);
    /* what it could not help is no reason for another one, at any time */
    assert_int_equal(run(&guest, 2000), ENGINE_NOTHING);
    trap(&guest, 300 * MIB);
    assert_int_equal(step(&guest), ENGINE_COMPACT);
    trap(&guest, 0);
    finish(&guest, 300 * MIB, NSEC_PER_SEC);
    (void)step(&guest);
    trap(&guest, 300 * MIB);
    assert_int_equal(run(&guest, 590), ENGINE_NOTHING); /* compact_interval */
    assert_int_equal(run(&guest, 20), ENGINE_COMPACT);
}

static void test_failing_work_backs_off(void **state)
{
    struct guest guest;
    unsigned attempts = 0;

    (void)state;
    guest_init(&guest);
    guest.sample.cache = GIB;
    (void)run(&guest, 120);
    for (unsigned i = 0; i < 3600; i++)
        if (step(&guest) == ENGINE_RECLAIM_CACHE) {
            attempts++;
            finish(&guest, 0, NSEC_PER_MSEC); /* EAGAIN: nothing could be taken */
        }
    /* after 0, 1, 3, 7, 15 and 31 minutes */
    assert_int_equal(attempts, 6);
    assert_reason(&guest, ENGINE_BACKED_OFF);
}

static void test_low_gain_per_cpu_second_backs_off(void **state)
{
    struct backoff backoff = {0};

    (void)state;
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
    struct engine_result result = {.action = ENGINE_RECLAIM_CACHE, .supported = false};

    (void)state;
    guest_init(&guest);
    guest.sample.cache = GIB;
    assert_int_equal(run(&guest, 130), ENGINE_RECLAIM_CACHE);
    engine_finished(&guest.engine, &result, guest.sample.boottime);
    assert_int_equal(run(&guest, 4000), ENGINE_NOTHING);
}

static void test_the_budget_is_kept(void **state)
{
    struct guest guest;
    nsec_t spent = 0;

    (void)state;
    guest_init(&guest);
    guest.sample.cache = 7 * GIB;
    (void)run(&guest, 121);
    for (unsigned i = 0; i < 600; i++)
        if (guest.decision.action == ENGINE_RECLAIM_CACHE || step(&guest) == ENGINE_RECLAIM_CACHE) {
            nsec_t cpu =
                guest.decision.time_limit < SECONDS(7) ? guest.decision.time_limit : SECONDS(7);
            spent += cpu;
            finish(&guest, 256 * MIB, cpu);
            guest.decision.action = ENGINE_NOTHING;
        }
    assert_in_range(spent, SECONDS(59), SECONDS(60));
    assert_reason(&guest, ENGINE_BUDGET_SPENT);
    assert_int_equal(run(&guest, 2900), ENGINE_NOTHING);
    assert_int_equal(run(&guest, 700), ENGINE_RECLAIM_CACHE);
}

static void test_a_budget_slot_counts_until_all_of_it_is_old(void **state)
{
    struct budget budget = {0};

    (void)state;
    budget_charge(&budget, SECONDS(299), SECONDS(5));
    assert_true(budget_left(&budget, SECONDS(300 + 3600 - 1), SECONDS(5)) == 0);
    assert_true(budget_left(&budget, SECONDS(300 + 3600), SECONDS(5)) == SECONDS(5));
    budget_charge(&budget, SECONDS(90000), SECONDS(1));
    assert_true(budget_left(&budget, SECONDS(90000), SECONDS(5)) == SECONDS(4));
}

static void test_nothing_to_do_without_reporting(void **state)
{
    struct guest guest;

    (void)state;
    guest_init(&guest);
    guest.sample.cache = GIB;
    guest.sample.reporting_order = ORDER_COUNT_MAX;
    trap(&guest, GIB);
    assert_int_equal(run(&guest, 400), ENGINE_NOTHING);
    assert_reason(&guest, ENGINE_NOTHING_TO_GAIN);
}

static void test_kicks_when_no_pass_starts(void **state)
{
    struct guest guest;

    (void)state;
    guest_init(&guest);
    (void)run(&guest, 200);
    guest.sample.reported -= GIB;
    guest.sample.reportable = GIB;
    assert_int_equal(step(&guest), ENGINE_KICK_REPORTING);
    finish(&guest, 0, 0);
    guest.sample.reported += GIB;
    guest.sample.reportable = 0;
    assert_int_equal(run(&guest, 100), ENGINE_NOTHING);
    /* what the watermark holds back cannot be kicked loose */
    guest.sample.reported -= GIB;
    guest.sample.reportable = guest.sample.held_back = GIB;
    assert_int_equal(run(&guest, 100), ENGINE_NOTHING);
}

/* ---- the reporting order ---- */

/* Idle, no cache, 200 MiB in single pages that a compaction did not help. */
static void lower_order(struct guest *guest, uint32_t host_order)
{
    guest_init(guest);
    engine_set_lowest_order(&guest->engine, host_order);
    trap(guest, 200 * MIB);
    assert_int_equal(run(guest, 130), ENGINE_COMPACT);
    finish(guest, 25 * MIB, NSEC_PER_SEC);
    assert_int_equal(run(guest, 4), ENGINE_NOTHING);
    assert_reason(guest, ENGINE_SETTLING);
    assert_int_equal(run(guest, 12), ENGINE_LOWER_ORDER);
}

static void test_lowers_kicks_and_restores(void **state)
{
    struct guest guest;

    (void)state;
    lower_order(&guest, 0);
    assert_int_equal(guest.decision.order, 0);
    finish(&guest, 0, 0);
    guest.sample.reporting_order = 0;
    guest.sample.reportable = 200 * MIB;
    assert_int_equal(step(&guest), ENGINE_KICK_REPORTING);
    finish(&guest, 0, 0);
    for (int i = 0; i < 17; i++) { /* 11 MiB a second */
        guest.sample.reported += 11 * MIB;
        guest.sample.reportable -= 11 * MIB;
        assert_int_equal(step(&guest), ENGINE_NOTHING);
    }
    assert_int_equal(run(&guest, 15), ENGINE_RESTORE_ORDER); /* the rest does not move */
    assert_int_equal(guest.decision.order, 9);
    finish(&guest, 0, 0);
    guest.sample.reporting_order = 9;
    /* gone already: neither compacted nor lowered for again */
    assert_int_equal(run(&guest, 3000), ENGINE_NOTHING);
}

static void test_the_host_limits_the_order(void **state)
{
    struct guest guest;

    (void)state;
    /* single pages do not get out at order 5 */
    guest_init(&guest);
    trap(&guest, 200 * MIB);
    assert_int_equal(run(&guest, 130), ENGINE_COMPACT);
    finish(&guest, 0, NSEC_PER_SEC);
    assert_int_equal(run(&guest, 400), ENGINE_NOTHING);
    /* blocks of order 6 do */
    guest.sample.free_blocks[6] = 200 * MIB / 4096 / 64;
    guest.sample.free_blocks[0] = 0;
    assert_int_equal(run(&guest, 400), ENGINE_LOWER_ORDER);
    assert_int_equal(guest.decision.order, 5);
}

static void test_the_policy_limits_the_order(void **state)
{
    struct guest guest;

    (void)state;
    guest_init(&guest);
    guest.policy.reporting_order = 9;
    use_policy(&guest);
    engine_set_lowest_order(&guest.engine, 0);
    trap(&guest, 200 * MIB);
    assert_int_equal(run(&guest, 130), ENGINE_COMPACT);
    finish(&guest, 0, NSEC_PER_SEC);
    assert_int_equal(run(&guest, 4000), ENGINE_NOTHING);
}

static void test_waking_restores_at_once(void **state)
{
    struct guest guest;

    (void)state;
    lower_order(&guest, 0);
    finish(&guest, 0, 0);
    guest.sample.reporting_order = 0;
    guest.sample.reportable = 200 * MIB; /* more would come */
    guest.user = 1000;
    assert_int_equal(run(&guest, 2), ENGINE_RESTORE_ORDER);
    assert_reason(&guest, ENGINE_RESTORING);
}

static void test_a_policy_that_only_observes_restores(void **state)
{
    struct guest guest;

    (void)state;
    lower_order(&guest, 0);
    finish(&guest, 0, 0);
    guest.sample.reporting_order = 0;
    policy_init(&guest.policy, POLICY_OBSERVE);
    use_policy(&guest);
    assert_int_equal(step(&guest), ENGINE_RESTORE_ORDER);
    finish(&guest, 0, 0);
    guest.sample.reporting_order = 9;
    assert_int_equal(run(&guest, 500), ENGINE_NOTHING);
    assert_reason(&guest, ENGINE_OBSERVING);
}

static void test_restoring_is_tried_again(void **state)
{
    struct guest guest;
    struct engine_result failed = {.supported = true};

    (void)state;
    lower_order(&guest, 0);
    finish(&guest, 0, 0);
    guest.sample.reporting_order = 0;
    guest.user = 1000;
    assert_int_equal(run(&guest, 2), ENGINE_RESTORE_ORDER);
    engine_finished(&guest.engine, &failed, guest.sample.boottime);
    assert_int_equal(run(&guest, 9), ENGINE_NOTHING);
    assert_int_equal(run(&guest, 2), ENGINE_RESTORE_ORDER);
}

static void test_not_lowered_for_ever(void **state)
{
    struct guest guest;

    (void)state;
    lower_order(&guest, 0);
    finish(&guest, 0, 0);
    guest.sample.reporting_order = 0;
    guest.sample.reportable = GIB;
    assert_int_equal(step(&guest), ENGINE_KICK_REPORTING);
    finish(&guest, 0, 0);
    for (int i = 0; i < 116; i++) { /* progress without end */
        guest.sample.reported += 2 * MIB;
        assert_int_equal(step(&guest), ENGINE_NOTHING);
    }
    assert_int_equal(run(&guest, 5), ENGINE_RESTORE_ORDER);
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

    (void)state;
    schedule(&guest, "forbid");
    (void)run(&guest, 130);
    assert_int_equal(guest.decision.action, ENGINE_RECLAIM_CACHE);
    finish(&guest, 256 * MIB, 0);
    guest.interval = SECONDS(10);
    guest.sample.cache = 128 * MIB;
    (void)run(&guest, 48); /* until 600 s and more have passed */
    guest.sample.cache = GIB;
    assert_int_equal(run(&guest, 25), ENGINE_NOTHING);
    assert_reason(&guest, ENGINE_FORBIDDEN);
    assert_int_equal(run(&guest, 10), ENGINE_RECLAIM_CACHE);
}

static void test_force_window_does_not_wait_for_idleness(void **state)
{
    struct guest guest;

    (void)state;
    schedule(&guest, "force");
    guest.user = 9000;
    assert_int_equal(run(&guest, 590), ENGINE_NOTHING);
    assert_int_equal(run(&guest, 20), ENGINE_RECLAIM_CACHE);
    assert_int_equal(run(&guest, 5), ENGINE_NOTHING);
    guest.psi_memory = 50000;
    assert_int_equal(run(&guest, 5), ENGINE_STOP); /* pressure still holds */
}

static void test_unknown_wall_time_forbids(void **state)
{
    struct guest guest;

    (void)state;
    schedule(&guest, "allow");
    guest.engine.knows_wall_time = false;
    assert_int_equal(run(&guest, 1000), ENGINE_NOTHING);
    assert_reason(&guest, ENGINE_FORBIDDEN);
}

/* ---- the rest ---- */

static void test_samples_slow_down_when_nothing_happens(void **state)
{
    struct guest guest;

    (void)state;
    guest_init(&guest);
    (void)run(&guest, 5);
    assert_true(guest.decision.next_sample <= guest.sample.boottime + guest.policy.sample_interval);
    (void)run(&guest, 200);
    assert_true(guest.decision.next_sample == guest.sample.boottime + guest.policy.sample_interval);
    guest.sample.cache = GIB;
    assert_int_equal(step(&guest), ENGINE_RECLAIM_CACHE);
    assert_true(guest.decision.next_sample == guest.sample.boottime + SECONDS(1));
}

static void test_every_reason_has_a_text(void **state)
{
    (void)state;
    for (unsigned i = 0; i < ENGINE_REASON_COUNT; i++)
        assert_true(strlen(engine_reason_text((enum engine_reason)i)) > 10);
    assert_string_equal(engine_reason_text((enum engine_reason)99), "unknown");
}

static void test_result_without_an_action_is_ignored(void **state)
{
    struct guest guest;
    struct engine_result result = {.action = ENGINE_COMPACT, .cpu = SECONDS(1000)};

    (void)state;
    guest_init(&guest);
    engine_finished(&guest.engine, &result, guest.sample.boottime);
    assert_true(budget_left(&guest.engine.budget, guest.sample.boottime, 1) == 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_acts_after_the_window_not_before),
        cmocka_unit_test(test_warms_up),
        cmocka_unit_test(test_window_mean_counts),
        cmocka_unit_test(test_burst_blocks_only_now),
        cmocka_unit_test(test_gap_is_not_idleness),
        cmocka_unit_test(test_counters_backwards_start_over),
        cmocka_unit_test(test_own_sensing_is_no_activity),
        cmocka_unit_test(test_kernel_time_of_our_work_is_no_activity),
        cmocka_unit_test(test_kernel_time_of_others_is_activity),
        cmocka_unit_test(test_pressure_gates),
        cmocka_unit_test(test_refaults_raise_the_floor),
        cmocka_unit_test(test_the_learned_floor_decays),
        cmocka_unit_test(test_refaults_of_the_kernels_doing_teach_nothing),
        cmocka_unit_test(test_the_floor_is_kept),
        cmocka_unit_test(test_trickle_is_bounded),
        cmocka_unit_test(test_no_trickle_from_a_busy_or_gentle_guest),
        cmocka_unit_test(test_trickle_stops_on_refaults),
        cmocka_unit_test(test_drop_once_per_idle_period),
        cmocka_unit_test(test_compacts_when_it_promises_enough),
        cmocka_unit_test(test_failing_work_backs_off),
        cmocka_unit_test(test_low_gain_per_cpu_second_backs_off),
        cmocka_unit_test(test_unsupported_is_never_asked_again),
        cmocka_unit_test(test_the_budget_is_kept),
        cmocka_unit_test(test_a_budget_slot_counts_until_all_of_it_is_old),
        cmocka_unit_test(test_nothing_to_do_without_reporting),
        cmocka_unit_test(test_kicks_when_no_pass_starts),
        cmocka_unit_test(test_lowers_kicks_and_restores),
        cmocka_unit_test(test_the_host_limits_the_order),
        cmocka_unit_test(test_the_policy_limits_the_order),
        cmocka_unit_test(test_waking_restores_at_once),
        cmocka_unit_test(test_a_policy_that_only_observes_restores),
        cmocka_unit_test(test_restoring_is_tried_again),
        cmocka_unit_test(test_not_lowered_for_ever),
        cmocka_unit_test(test_forbidden_window),
        cmocka_unit_test(test_force_window_does_not_wait_for_idleness),
        cmocka_unit_test(test_unknown_wall_time_forbids),
        cmocka_unit_test(test_samples_slow_down_when_nothing_happens),
        cmocka_unit_test(test_every_reason_has_a_text),
        cmocka_unit_test(test_result_without_an_action_is_ignored),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
