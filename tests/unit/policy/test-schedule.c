/* Windows: how effects combine, offsets, and what is refused. */
#include "tests/lib/test.h"

#include <string.h>

#include "common/policy/schedule.h"

static const int64_t monday = (int64_t)20780 * 86400; /* 2026-11-23 */

static struct schedule make(const char *cron, const char *duration, const char *effect)
{
    struct schedule schedule;
    struct error error;

    assert_int_equal(schedule_parse(cron, duration, effect, NULL, &schedule, &error), 0);
    return schedule;
}

static void test_window_opens_and_closes(void **state)
{
    struct schedule schedule = make("0 2 * * *", "3h", "force");

    assert_false(schedule_is_open(&schedule, monday + 2 * 3600 - 1));
    assert_true(schedule_is_open(&schedule, monday + 2 * 3600));
    assert_true(schedule_is_open(&schedule, monday + 5 * 3600 - 1));
    assert_false(schedule_is_open(&schedule, monday + 5 * 3600));
}

static void test_window_over_midnight(void **state)
{
    struct schedule schedule = make("0 23 * * 0", "4h", "force");

    assert_true(schedule_is_open(&schedule, monday + 3 * 3600 - 1));
    assert_false(schedule_is_open(&schedule, monday + 86400 + 3600));
}

static void test_offset_moves_the_window(void **state)
{
    struct schedule schedule = make("0 2 * * *", "1h", "force");

    schedule.utc_offset = 3600;
    assert_true(schedule_is_open(&schedule, monday + 3600));
    assert_false(schedule_is_open(&schedule, monday + 7200));
    schedule.utc_offset = -3600;
    assert_true(schedule_is_open(&schedule, monday + 3 * 3600));
}

/* Clocks go from 02:00 to 03:00 (UTC+1 to UTC+2) at 01:00 UTC, and back half a year later. */
static struct schedule in_spring(const char *cron, const char *duration)
{
    struct schedule schedule = make(cron, duration, "forbid");

    schedule.utc_offset = 3600;
    schedule.offset_change = monday + 3600;
    schedule.offset_after = 7200;
    return schedule;
}

static struct schedule in_autumn(const char *cron, const char *duration)
{
    struct schedule schedule = in_spring(cron, duration);

    schedule.utc_offset = 7200;
    schedule.offset_after = 3600;
    return schedule;
}

static void test_the_window_moves_with_the_clocks(void **state)
{
    struct schedule schedule = in_spring("0 12 * * *", "1h");

    assert_true(schedule_is_open(&schedule, monday - 86400 + 11 * 3600));
    assert_true(schedule_is_open(&schedule, monday + 10 * 3600));
    assert_false(schedule_is_open(&schedule, monday + 11 * 3600));
}

static void test_a_window_lasts_its_time_over_a_change(void **state)
{
    struct schedule schedule = in_spring("30 1 * * *", "2h"); /* from 00:30 UTC */

    assert_false(schedule_is_open(&schedule, monday + 1799));
    assert_true(schedule_is_open(&schedule, monday + 1800));
    assert_true(schedule_is_open(&schedule, monday + 3600));
    assert_true(schedule_is_open(&schedule, monday + 1800 + 7199));
    assert_false(schedule_is_open(&schedule, monday + 1800 + 7200));
    schedule = in_autumn("30 1 * * *", "2h"); /* from 23:30 UTC */
    assert_true(schedule_is_open(&schedule, monday - 1800 + 7199));
    assert_false(schedule_is_open(&schedule, monday - 1800 + 7200));
}

static void test_a_skipped_hour_opens_late_and_a_double_one_twice(void **state)
{
    struct schedule schedule = in_spring("30 2 * * *", "30m");

    assert_false(schedule_is_open(&schedule, monday + 3599));
    assert_true(schedule_is_open(&schedule, monday + 3600));
    assert_false(schedule_is_open(&schedule, monday + 7200));
    schedule = in_autumn("30 2 * * *", "30m");
    assert_true(schedule_is_open(&schedule, monday + 1800));
    assert_false(schedule_is_open(&schedule, monday + 3600));
    assert_true(schedule_is_open(&schedule, monday + 5400));
    assert_false(schedule_is_open(&schedule, monday + 7200));
}

static void test_forbid_over_force_over_allow(void **state)
{
    struct schedule all[] = {make("0 0 * * *", "8h", "allow"), make("0 1 * * *", "4h", "force"),
                             make("0 2 * * *", "1h", "forbid")};

    assert_int_equal(schedule_evaluate(all, 3, monday), SCHEDULE_ALLOW);
    assert_int_equal(schedule_evaluate(all, 3, monday + 3600), SCHEDULE_FORCE);
    assert_int_equal(schedule_evaluate(all, 3, monday + 7200), SCHEDULE_FORBID);
    assert_int_equal(schedule_evaluate(all, 3, monday + 3 * 3600), SCHEDULE_FORCE);
    assert_int_equal(schedule_evaluate(all, 3, monday + 9 * 3600), SCHEDULE_FORBID);
}

static void test_without_allow_everything_is_allowed(void **state)
{
    struct schedule forbid = make("0 9 * * 1-5", "8h", "forbid");

    assert_int_equal(schedule_evaluate(NULL, 0, monday), SCHEDULE_ALLOW);
    assert_int_equal(schedule_evaluate(&forbid, 1, monday), SCHEDULE_ALLOW);
    assert_int_equal(schedule_evaluate(&forbid, 1, monday + 10 * 3600), SCHEDULE_FORBID);
}

static void test_refuses(void **state)
{
    static const char *const cases[][4] = {
        {"x", "1h", "force", NULL},
        {"* * * * *", "1x", "force", NULL},
        {"* * * * *", "59s", "force", NULL},
        {"* * * * *", "8d", "force", NULL},
        {"* * * * *", "1h", "maybe", NULL},
        {"* * * * *", "1h", "force", "../../etc/passwd"},
        {"* * * * *", "1h", "force", "/etc/localtime"},
        {"* * * * *", "1h", "force", "a-name-that-is-much-too-long-for-any-time-zone"},
    };
    struct schedule schedule;
    struct error error;

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        assert_true(schedule_parse(cases[i][0], cases[i][1], cases[i][2], cases[i][3], &schedule,
                                   &error) < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_window_opens_and_closes),
        cmocka_unit_test(test_window_over_midnight),
        cmocka_unit_test(test_offset_moves_the_window),
        cmocka_unit_test(test_the_window_moves_with_the_clocks),
        cmocka_unit_test(test_a_window_lasts_its_time_over_a_change),
        cmocka_unit_test(test_a_skipped_hour_opens_late_and_a_double_one_twice),
        cmocka_unit_test(test_forbid_over_force_over_allow),
        cmocka_unit_test(test_without_allow_everything_is_allowed),
        cmocka_unit_test(test_refuses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
