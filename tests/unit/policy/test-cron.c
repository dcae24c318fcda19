/* Cron expressions: what is accepted, and which minute matched last. */
#include "tests/lib/test.h"

#include <string.h>

#include "common/policy/cron.h"

#define DAY 86400

/* 2026-11-23 is a Monday; 20780 days after the epoch. */
static const int64_t monday = (int64_t)20780 * DAY;

static int64_t previous(const char *text, int64_t time, int64_t span)
{
    struct cron cron;
    struct error error;
    int64_t start = -1;

    assert_int_equal(cron_parse(text, &cron, &error), 0);
    return cron_previous(&cron, time, time - span, &start) ? start : -1;
}

static void test_matches_the_minute_itself(void **state)
{
    assert_int_equal(previous("30 2 * * *", monday + 2 * 3600 + 30 * 60, 60), monday + 9000);
    assert_int_equal(previous("30 2 * * *", monday + 2 * 3600 + 30 * 60 + 59, 60), monday + 9000);
    assert_int_equal(previous("30 2 * * *", monday + 2 * 3600 + 30 * 60 - 1, 60), -1);
}

static void test_span_is_open_at_its_old_end(void **state)
{
    assert_int_equal(previous("0 0 * * *", monday + 3600, 3600), -1);
    assert_int_equal(previous("0 0 * * *", monday + 3599, 3600), monday);
}

static void test_looks_back_over_days(void **state)
{
    assert_int_equal(previous("0 9 * * 1", monday + 3 * DAY, 4 * DAY), monday + 9 * 3600);
    assert_int_equal(previous("0 9 * * mon", monday, 7 * DAY), monday - 7 * DAY + 9 * 3600);
}

static void test_weekday_of_a_known_date(void **state)
{
    assert_int_equal(previous("0 0 23 11 *", monday + 60, DAY), monday);
    assert_int_equal(previous("0 0 * nov 1", monday + 60, DAY), monday);
    assert_int_equal(previous("0 0 * * 2", monday + 60, DAY), -1);
}

static void test_leap_day(void **state)
{
    const int64_t leap = (int64_t)19782 * DAY; /* 2024-02-29 */

    assert_int_equal(previous("0 0 29 2 *", leap + DAY, 2 * DAY), leap);
    assert_int_equal(previous("0 0 1 3 *", leap + DAY + 60, DAY), leap + DAY);
    /* 2025 has none */
    assert_int_equal(previous("0 0 29 2 *", leap + 366 * (int64_t)DAY, 30 * DAY), -1);
}

static void test_before_the_epoch(void **state)
{
    assert_int_equal(previous("0 0 * * *", -1, DAY + 60), -DAY);
}

/* crontab(5): both day fields restricted means either. */
static void test_either_day_field(void **state)
{
    assert_int_equal(previous("0 0 1 * 1", monday + 60, 3600), monday);
    assert_int_equal(previous("0 0 23 * 5", monday + 60, 3600), monday);
    assert_int_equal(previous("0 0 1 * 5", monday + 60, 3600), -1);
}

static void test_lists_ranges_steps(void **state)
{
    struct cron cron;

    assert_int_equal(cron_parse("0,30 9-17/4 1-3 */6 1-5", &cron, NULL), 0);
    assert_true(cron.minutes == (1ULL | 1ULL << 30));
    assert_int_equal(cron.hours, 1 << 9 | 1 << 13 | 1 << 17);
    assert_int_equal(cron.days, 0xe);
    assert_int_equal(cron.months, 1 << 1 | 1 << 7);
    assert_int_equal(cron.weekdays, 0x3e);
    assert_int_equal(cron_parse("50/5 * * * 7", &cron, NULL), 0);
    assert_true(cron.minutes == (1ULL << 50 | 1ULL << 55));
    assert_int_equal(cron.weekdays, 1);
}

static void test_refuses(void **state)
{
    static const char *const texts[] = {"",
                                        "* * * *",
                                        "* * * * * *",
                                        "60 * * * *",
                                        "* 24 * * *",
                                        "* * 0 * *",
                                        "* * 32 * *",
                                        "* * * 13 *",
                                        "* * * * 8",
                                        "a * * * *",
                                        "5- * * * *",
                                        "9-5 * * * *",
                                        "*/0 * * * *",
                                        "1,,2 * * * *",
                                        "-1 * * * *",
                                        "1;2 * * * *",
                                        "*/99 * * * *"};
    struct error error;

    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        struct cron cron = {.hours = 77};
        assert_true(cron_parse(texts[i], &cron, &error) < 0);
        assert_int_equal(cron.hours, 77);
        assert_true(strstr(error.text, "cron: ") == error.text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_matches_the_minute_itself),
        cmocka_unit_test(test_span_is_open_at_its_old_end),
        cmocka_unit_test(test_looks_back_over_days),
        cmocka_unit_test(test_weekday_of_a_known_date),
        cmocka_unit_test(test_leap_day),
        cmocka_unit_test(test_before_the_epoch),
        cmocka_unit_test(test_either_day_field),
        cmocka_unit_test(test_lists_ranges_steps),
        cmocka_unit_test(test_refuses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
