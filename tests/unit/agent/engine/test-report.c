/* The dry run: the engine run ahead on two samples, and its words. */
#include "tests/lib/test.h"

#include <string.h>

#include "agent/engine/report.h"
#include "common/base/number.h"

#define HOUR (3600 * NSEC_PER_SEC)

static char text[ENGINE_REPORT_MAX];
static struct memory_sample first;
static struct memory_sample second;
static struct policy policy;
static struct outlook_question question;

/* A calm guest of 8 GiB whose free memory is at the host. */
static int setup(void **state)
{
    policy_init(&policy, POLICY_BALANCED);
    first = (struct memory_sample){.boottime = 100 * NSEC_PER_SEC,
                                   .total = 8 * GIB,
                                   .reported_is_known = true,
                                   .activity.psi_is_known = true,
                                   .order_count = 11,
                                   .page_size = 4096,
                                   .reporting_order = 9};
    second = first;
    second.boottime += 5 * NSEC_PER_SEC;
    second.activity.cpu_total = 20 * NSEC_PER_SEC;
    question = (struct outlook_question){
        .policy = &policy, .first = &first, .second = &second, .lowest_order = 5, .length = HOUR};
    return 0;
}

static const char *report(void)
{
    size_t length = engine_report(&question, text, sizeof(text));

    assert_int_equal(length, strlen(text));
    return text;
}

static struct outlook outlook(void)
{
    struct outlook outlook;

    engine_outlook(&question, &outlook);
    return outlook;
}

static void put_free(uint32_t order, uint64_t bytes)
{
    second.free_blocks[order] = bytes / 4096 >> order;
    second.free += bytes;
    second.trapped += order < 9 ? bytes : 0;
    second.reported += order >= 9 ? bytes : 0;
}

static void busy(unsigned percent)
{
    second.activity.cpu_busy = percent * NSEC_PER_SEC / 5;
    second.activity.cpu_user = second.activity.cpu_busy;
}

/* ---- the outlook ---- */

static void test_cache_goes_down_to_the_floor(void **state)
{
    struct outlook seen;

    second.cache = GIB + 128 * MIB;
    policy.trickle = 0;
    seen = outlook();
    assert_int_equal(seen.step_count, 1);
    assert_int_equal(seen.steps[0].action, ACTION_RECLAIM_CACHE);
    assert_int_equal(seen.steps[0].mode, ENGINE_IDLE_WORK);
    assert_int_equal(seen.steps[0].count, 4);
    assert_int_equal(seen.steps[0].gain, GIB);
    assert_true(seen.steps[0].first >= 110 * NSEC_PER_SEC);
    assert_int_equal(seen.gain, GIB);
    assert_int_equal(seen.reason, ENGINE_NOTHING_TO_GAIN);
}

static void test_trapped_is_compacted(void **state)
{
    struct outlook seen;

    put_free(0, 256 * MIB);
    seen = outlook();
    assert_int_equal(seen.steps[0].action, ACTION_COMPACT);
    assert_int_equal(seen.steps[0].gain, 256 * MIB);
    assert_int_equal(seen.steps[0].count, 1);
}

static void test_the_order_is_lowered_and_restored(void **state)
{
    struct outlook seen;

    put_free(6, 40 * MIB);
    seen = outlook();
    assert_int_equal(seen.steps[0].action, ACTION_SET_ORDER);
    assert_int_equal(seen.steps[0].order, 5);
    assert_int_equal(seen.steps[0].gain, 40 * MIB);
    assert_int_equal(seen.steps[seen.step_count - 1].action, ACTION_RESTORE_ORDER);
}

static void test_a_busy_guest_gives_a_trickle_or_nothing(void **state)
{
    struct outlook seen;

    second.cache = 2 * GIB;
    busy(20);
    seen = outlook();
    assert_int_equal(seen.steps[0].action, ACTION_RECLAIM_CACHE);
    assert_int_equal(seen.steps[0].mode, ENGINE_TRICKLE);
    busy(80);
    seen = outlook();
    assert_int_equal(seen.step_count, 0);
    assert_int_equal(seen.reason, ENGINE_BUSY);
}

static void test_a_policy_without_a_trickle_says_what_would(void **state)
{
    struct outlook seen;

    policy_init(&policy, POLICY_WSL);
    second.cache = 2 * GIB;
    busy(20);
    seen = outlook();
    assert_int_equal(seen.step_count, 0);
    assert_int_equal(seen.reason, ENGINE_NEVER_IDLE);
    assert_non_null(strstr(report(), "one with a trickle would, as profile balanced has"));
}

static void test_pressure_holds(void **state)
{
    struct outlook seen;

    second.cache = 2 * GIB;
    second.activity.psi_memory_some = 200000; /* 4 % */
    seen = outlook();
    assert_int_equal(seen.step_count, 0);
    assert_int_equal(seen.reason, ENGINE_PRESSURE);
}

static void test_what_the_kernel_cannot_do(void **state)
{
    second.cache = 2 * GIB;
    question.impossible = 1u << ACTION_RECLAIM_CACHE;
    assert_int_equal(outlook().steps[0].action, ACTION_DROP_CACHES);
    question.impossible |= 1u << ACTION_DROP_CACHES;
    assert_int_equal(outlook().step_count, 0);
}

static void test_a_window_that_forbids(void **state)
{
    second.cache = 2 * GIB;
    assert_int_equal(schedule_parse("0 12 * * *", "2h", "forbid", NULL, &policy.schedules[0], NULL),
                     0);
    policy.schedule_count = 1;
    question.wall_time = (int64_t)(12 * HOUR);
    assert_int_equal(outlook().step_count, 0);
    assert_int_equal(outlook().reason, ENGINE_FORBIDDEN);
    /* it ends within the hour */
    question.wall_time = (int64_t)(13 * HOUR + HOUR / 2);
    assert_true(outlook().step_count > 0);
    assert_true(outlook().steps[0].first > 29 * 60 * NSEC_PER_SEC);
}

/* ---- the words ---- */

static void test_words_of_the_steps(void **state)
{
    second.cache = GIB + 128 * MIB;
    policy.trickle = 0;
    put_free(0, 256 * MIB);
    put_free(10, 512 * MIB);
    (void)report();
    assert_non_null(strstr(text, "page cache            1.1 GiB  128.0 MiB is left\n"));
    assert_non_null(strstr(text, "trapped             256.0 MiB  in small pieces; compacted from "
                                 "64.0 MiB on\n"));
    assert_non_null(strstr(text, "reported            512.0 MiB  at the host already\n"));
    assert_non_null(strstr(text, "1.0 GiB  page cache, coldest first, 4 times until "));
    assert_non_null(strstr(text, "256.0 MiB  compaction\n"));
    assert_non_null(strstr(text, "expected gain: at most 1.2 GiB\n"));
}

static void test_words_of_the_gates(void **state)
{
    second.activity.cpu_busy = 8 * NSEC_PER_SEC;
    second.activity.cpu_own = 3 * NSEC_PER_SEC;
    second.activity.psi_memory_some = 100000;
    second.activity.refault_file = 50;
    (void)report();
    assert_non_null(strstr(text, "CPUs busy                 25%  of at most 0.5%   <- holds"));
    assert_non_null(strstr(text, "... for a trickle         25%  of at most 50%\n"));
    assert_non_null(strstr(text, "stalled on memory          2%  of at most 1%   <- holds"));
    assert_non_null(strstr(text, "stalled on I/O             0%  of at most 5%\n"));
    assert_non_null(strstr(text, "read back                  10  pages/s of at most 250\n"));
    assert_non_null(strstr(text, "nothing would be done within 1h if it stays so: tasks are "));
    second.activity.psi_is_known = false;
    assert_non_null(strstr(report(), "no PSI"));
}

static void test_words_of_many_cpus(void **state)
{
    second.activity.cpu_total = 256 * 5 * NSEC_PER_SEC;
    second.activity.cpu_busy = 5 * NSEC_PER_SEC;
    (void)report();
    assert_non_null(strstr(text, "busy of 16 CPUs         6.25%  of at most 0.5%   <- holds"));
    assert_non_null(strstr(text, "... for a trickle       0.39%  of at most 50%\n"));
}

static void test_words_for_nothing(void **state)
{
    assert_non_null(strstr(report(), "nothing left that would be worth its cost"));
    policy_init(&policy, POLICY_OBSERVE);
    assert_non_null(strstr(report(), "the policy only observes"));
    second.reporting_order = ORDER_COUNT_MAX;
    assert_non_null(strstr(report(), "no free page reporting, so freed memory would stay"));
}

static void test_short_buffer(void **state)
{
    char small[32];

    assert_int_equal(engine_report(&question, small, sizeof(small)), 31);
    assert_int_equal(strlen(small), 31);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_cache_goes_down_to_the_floor, setup),
        cmocka_unit_test_setup(test_trapped_is_compacted, setup),
        cmocka_unit_test_setup(test_the_order_is_lowered_and_restored, setup),
        cmocka_unit_test_setup(test_a_busy_guest_gives_a_trickle_or_nothing, setup),
        cmocka_unit_test_setup(test_a_policy_without_a_trickle_says_what_would, setup),
        cmocka_unit_test_setup(test_pressure_holds, setup),
        cmocka_unit_test_setup(test_what_the_kernel_cannot_do, setup),
        cmocka_unit_test_setup(test_a_window_that_forbids, setup),
        cmocka_unit_test_setup(test_words_of_the_steps, setup),
        cmocka_unit_test_setup(test_words_of_the_gates, setup),
        cmocka_unit_test_setup(test_words_of_many_cpus, setup),
        cmocka_unit_test_setup(test_words_for_nothing, setup),
        cmocka_unit_test_setup(test_short_buffer, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
