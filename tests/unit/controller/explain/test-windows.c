/* When windows open and close. */
#include "tests/lib/test.h"

#include <stdio.h>

#include "controller/explain/windows.h"

#define MIDNIGHT 1767225600 /* 2026-01-01, a Thursday, UTC */
#define HOUR     3600

static struct schedule make(const char *cron, const char *duration)
{
    struct schedule schedule;
    struct error error;

    assert_int_equal(schedule_parse(cron, duration, "allow", NULL, &schedule, &error), 0);
    return schedule;
}

static void test_next_opening(void **state)
{
    struct schedule daily = make("0 3 * * *", "1h");
    struct schedule monday = make("30 8 * * mon", "1h");
    struct schedule never = make("0 0 30 2 *", "1h");

    assert_int_equal(window_next_opening(&daily, MIDNIGHT), MIDNIGHT + 3 * HOUR);
    assert_int_equal(window_next_opening(&daily, MIDNIGHT + 3 * HOUR - 1), MIDNIGHT + 3 * HOUR);
    assert_int_equal(window_next_opening(&daily, MIDNIGHT + 3 * HOUR), MIDNIGHT + 27 * HOUR);
    assert_int_equal(window_next_opening(&monday, MIDNIGHT),
                     MIDNIGHT + 4 * 24 * HOUR + 8 * HOUR + HOUR / 2);
    assert_int_equal(window_next_opening(&never, MIDNIGHT), 0);
}

static void test_closing(void **state)
{
    struct schedule night = make("0 22 * * *", "6h");
    struct schedule chain = make("0 1,2,3 * * *", "1h");
    struct schedule always = make("* * * * *", "1h");

    assert_int_equal(window_closing(&night, MIDNIGHT), MIDNIGHT + 4 * HOUR);
    assert_int_equal(window_closing(&night, MIDNIGHT + 4 * HOUR - 1), MIDNIGHT + 4 * HOUR);
    assert_int_equal(window_closing(&night, MIDNIGHT + 4 * HOUR), 0);
    assert_int_equal(window_closing(&night, MIDNIGHT + 22 * HOUR), MIDNIGHT + 28 * HOUR);
    assert_int_equal(window_closing(&chain, MIDNIGHT + HOUR), MIDNIGHT + 4 * HOUR);
    assert_int_equal(window_closing(&always, MIDNIGHT), 0);
}

/* From noon on the clocks are an hour ahead. */
static void test_the_clocks_change(void **state)
{
    struct schedule daily = make("0 15 * * *", "1h");
    char text[64];

    daily.offset_change = MIDNIGHT + 12 * HOUR;
    daily.offset_after = HOUR;
    assert_int_equal(window_next_opening(&daily, MIDNIGHT), MIDNIGHT + 14 * HOUR);
    assert_int_equal(window_closing(&daily, MIDNIGHT + 14 * HOUR), MIDNIGHT + 15 * HOUR);
    assert_string_equal(window_format_time(&daily, MIDNIGHT + 14 * HOUR, text, sizeof(text)),
                        "Thu 15:00 UTC");
    snprintf(daily.zone, sizeof(daily.zone), "Europe/Berlin");
    assert_string_equal(window_format_time(&daily, MIDNIGHT + 11 * HOUR, text, sizeof(text)),
                        "Thu 11:00 Europe/Berlin");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_next_opening),
        cmocka_unit_test(test_closing),
        cmocka_unit_test(test_the_clocks_change),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
