/* Scenes with a figure each. */
#include "tests/lib/test.h"

#include <stdio.h>
#include <string.h>

#include "tests/sim/contest.h"
#include "tests/sim/day.h"

#define MIB_ (1024.0 * 1024)
#define GIB_ (1024.0 * MIB_)

/* A guest that is 20 % busy for ever, with a hot set it uses all the time. */
static void test_never_idle(void **state)
{
    struct model model;
    struct contest contest;
    struct policy policy;
    double cold;
    double refaults;
    double held;

    policy_init(&policy, POLICY_BALANCED);
    model_init(&model, 8 * GIB_, 1.5 * GIB_, 4, 9);
    model.load = 0.2 * 4;
    model.sets[0].wanted = 1 * GIB_;
    model_run(&model, 0, true);
    for (unsigned i = 0; i < 120; i++)
        model_step(&model);
    model_read_once(&model, 4 * GIB_);
    cold = model_cold(&model);
    refaults = model.refaults;
    held = model_footprint(&model);
    contest_init(&contest, CONTEST_OURS, &policy, &model);
    for (unsigned i = 0; i < 600; i++) {
        model_step(&model);
        contest_step(&contest, &model);
    }
    held -= model_footprint(&model);
    printf(
        "20 %% busy, 600 s: of %.0f MiB cold cache %.1f %% taken, %.1f %% given back to the host; "
        "%.1f refaults/s of %u\n",
        cold / MIB_, 100 - 100 * model_cold(&model) / cold, 100 * held / cold,
        (model.refaults - refaults) / 4096 / 600, policy.refault_rate);
    assert_true(model_cold(&model) <= 0.2 * cold);
    assert_true(held >= 0.8 * cold);
    assert_true((model.refaults - refaults) / 4096 / 600 < policy.refault_rate);
}

/* One task that keeps one CPU of 256 busy, and reads its set of 24 GiB all the time. */
static double read_back_from_one_busy_cpu(enum policy_profile profile)
{
    struct model model;
    struct contest contest;
    struct policy policy;

    policy_init(&policy, profile);
    model_init(&model, 64 * GIB_, 2 * GIB_, 256, 9);
    model.load = 1;
    model.sets[0].wanted = 24 * GIB_;
    model_run(&model, 0, true);
    for (unsigned i = 0; i < 600; i++)
        model_step(&model);
    contest_init(&contest, CONTEST_OURS, &policy, &model);
    for (unsigned i = 0; i < 1800; i++) {
        model_step(&model);
        contest_step(&contest, &model);
    }
    return model.read_back;
}

static void test_one_busy_cpu_of_many(void **state)
{
    for (int i = POLICY_GENTLE; i < POLICY_PROFILE_COUNT; i++) {
        struct policy policy;
        double read_back = read_back_from_one_busy_cpu((enum policy_profile)i);

        policy_init(&policy, (enum policy_profile)i);
        printf("1 of 256 CPUs busy, 30 min, %s: %.0f MiB of 24 GiB in use read again\n",
               policy_profile_name((enum policy_profile)i), read_back / MIB_);
        if (policy.trickle == 0)
            assert_true(read_back == 0);
        else
            assert_true(read_back <= 1800.0 * 4096 * policy.refault_rate);
    }
}

/* Nothing but what watches it runs in the other: 3 % of one CPU. */
static void test_many_idle_cpus(void **state)
{
    struct model model;
    struct contest contest;
    struct policy policy;
    unsigned seconds = 0;

    policy_init(&policy, POLICY_BALANCED);
    model_init(&model, 64 * GIB_, 2 * GIB_, 256, 9);
    model.load = 0.03;
    contest_init(&contest, CONTEST_OURS, &policy, &model);
    model_read_once(&model, 16 * GIB_);
    while (model_footprint(&model) > 3 * GIB_ && seconds < 1800) {
        model_step(&model);
        contest_step(&contest, &model);
        seconds++;
    }
    printf("256 idle CPUs: 16 GiB of cache at the host after %u s\n", seconds);
    assert_in_range(seconds, 120, 900);
}

/* The demo's guest: 4 GiB, 2 GiB of cache, 20 s of idleness wanted. */
static void test_idle_cache_goes_to_the_floor(void **state)
{
    struct model model;
    struct contest contest;
    struct policy policy;
    unsigned seconds = 0;

    policy_init(&policy, POLICY_BALANCED);
    assert_int_equal(policy_set(&policy, "idle_window", "20s", NULL), 0);
    model_init(&model, 4 * GIB_, 0.3 * GIB_, 1, 9);
    contest_init(&contest, CONTEST_OURS, &policy, &model);
    engine_set_lowest_order(&contest.engine, 0);
    model_read_once(&model, 2 * GIB_);
    while (model_footprint(&model) > 1.1 * (0.3 * GIB_ + 128 * MIB_) + 64 * MIB_ && seconds < 300) {
        model_step(&model);
        contest_step(&contest, &model);
        seconds++;
    }
    printf("idle cache: at the floor after %u s, host holds %.0f MiB\n", seconds,
           model_footprint(&model) / MIB_);
    assert_in_range(seconds, 20, 120);
}

/* Memory freed in single pages. */
static void test_fragmented_comes_back_by_the_ladder(void **state)
{
    struct model model;
    struct contest contest;
    struct policy policy;
    double trapped = 350 * MIB_;
    unsigned seconds = 0;

    policy_init(&policy, POLICY_BALANCED);
    assert_int_equal(policy_set(&policy, "idle_window", "20s", NULL), 0);
    model_init(&model, 1 * GIB_, 0.8 * GIB_, 1, 9);
    model.in_use -= trapped;
    model.free[MODEL_LOW] += trapped;
    contest_init(&contest, CONTEST_OURS, &policy, &model);
    engine_set_lowest_order(&contest.engine, 0);
    while (model_footprint(&model) > 0.8 * GIB_ - 0.85 * trapped && seconds < 300) {
        model_step(&model);
        contest_step(&contest, &model);
        seconds++;
    }
    printf("fragmented: 85 %% of 350 MiB back after %u s\n", seconds);
    assert_in_range(seconds, 20, 90);
    for (unsigned i = 0; i < 300; i++) {
        model_step(&model);
        contest_step(&contest, &model);
    }
    assert_int_equal(model.order, 9);
}

/* One seed of the day; the benchmark runs more and prints the table. */
static void test_day_beats_the_rivals(void **state)
{
    struct day_result results[CONTEST_COUNT];

    for (unsigned i = 0; i < CONTEST_COUNT; i++)
        day_run((enum contestant)i, 1, &day_as_written, &results[i]);
    for (unsigned i = 0; i < CONTEST_COUNT; i++) {
        if (i == CONTEST_OURS)
            continue;
        assert_true(results[CONTEST_OURS].byte_hours < results[i].byte_hours);
        /* reporting alone never takes cache, so it has none but the guest's own */
        if (i != CONTEST_REPORTING)
            assert_true(results[CONTEST_OURS].refaults < results[i].refaults);
    }
}

static void test_day_is_the_same_each_time(void **state)
{
    struct day_result first;
    struct day_result second;

    day_run(CONTEST_OURS, 7, &day_as_written, &first);
    day_run(CONTEST_OURS, 7, &day_as_written, &second);
    assert_memory_equal(&first, &second, sizeof(first));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_never_idle),
        cmocka_unit_test(test_one_busy_cpu_of_many),
        cmocka_unit_test(test_many_idle_cpus),
        cmocka_unit_test(test_idle_cache_goes_to_the_floor),
        cmocka_unit_test(test_fragmented_comes_back_by_the_ladder),
        cmocka_unit_test(test_day_beats_the_rivals),
        cmocka_unit_test(test_day_is_the_same_each_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
