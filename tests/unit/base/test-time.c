/* Durations as text. */
#include "tests/lib/test.h"

#include <errno.h>

#include "common/base/time.h"

static void test_parse(void **state)
{
    static const struct {
        const char *text;
        int result;
        nsec_t duration;
    } cases[] = {
        {"0", 0, 0},
        {"500ms", 0, 500 * NSEC_PER_MSEC},
        {"90s", 0, 90 * NSEC_PER_SEC},
        {"1h30m", 0, 5400 * NSEC_PER_SEC},
        {"1d", 0, 86400 * NSEC_PER_SEC},
        {"2us", 0, 2 * NSEC_PER_USEC},
        {"", -EINVAL, 0},
        {"5", -EINVAL, 0},
        {"m", -EINVAL, 0},
        {"5 m", -EINVAL, 0},
        {"-5m", -EINVAL, 0},
        {"5weeks", -EINVAL, 0},
        {"999999999d", -ERANGE, 0},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        nsec_t duration = 1;
        assert_int_equal(time_parse_duration(cases[i].text, &duration), cases[i].result);
        assert_true(duration == (cases[i].result == 0 ? cases[i].duration : 1));
    }
}

static void test_format_round_trip(void **state)
{
    static const nsec_t values[] = {0, 1, 20 * NSEC_PER_SEC, 5400 * NSEC_PER_SEC, UINT64_MAX};

    for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
        char text[48];
        nsec_t back;
        assert_int_equal(
            time_parse_duration(time_format_duration(values[i], text, sizeof(text)), &back), 0);
        assert_true(back == values[i]);
    }
}

static void test_sums_end_where_the_clocks_do(void **state)
{
    assert_true(time_after(1, 2) == 3);
    assert_true(time_after(NSEC_INFINITY, 1) == NSEC_INFINITY);
    assert_true(time_after(5, NSEC_INFINITY) == NSEC_INFINITY);
    assert_true(time_realtime_after(-5, 7) == 2);
    assert_true(time_realtime_after(0, UINT64_MAX) == INT64_MAX);
    assert_true(time_realtime_after(INT64_MIN, UINT64_MAX) == INT64_MAX);
    assert_true(time_realtime_after(INT64_MAX - 1, 2) == INT64_MAX);
    assert_true(time_realtime_before(5, 7) == -2);
    assert_true(time_realtime_before(1700000000, UINT64_MAX) == INT64_MIN);
    assert_true(time_realtime_before(INT64_MAX, UINT64_MAX) == INT64_MIN);
    assert_true(time_realtime_before(INT64_MIN + 1, 2) == INT64_MIN);
    assert_true(time_realtime_between(3, 10) == 7);
    assert_true(time_realtime_between(10, 3) == 0);
    assert_true(time_realtime_between(INT64_MIN, INT64_MAX) == UINT64_MAX);
    assert_true(time_realtime_of_seconds(-3) == -3 * (int64_t)NSEC_PER_SEC);
    assert_true(time_realtime_of_seconds(INT64_MAX) == INT64_MAX);
    assert_true(time_realtime_of_seconds(INT64_MIN) == INT64_MIN);
}

static void test_a_moment_in_words(void **state)
{
    char text[TIME_UTC_SIZE];

    assert_string_equal(time_format_utc(0, text, sizeof(text)), "1970-01-01 00:00:00 UTC");
    assert_string_equal(time_format_utc(INT64_C(1795942800999999999), text, sizeof(text)),
                        "2026-11-29 09:00:00 UTC");
    assert_string_equal(time_format_utc(INT64_MAX, text, sizeof(text)), "2262-04-11 23:47:16 UTC");
    (void)time_format_utc(INT64_MIN, text, sizeof(text));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_format_round_trip),
        cmocka_unit_test(test_sums_end_where_the_clocks_do),
        cmocka_unit_test(test_a_moment_in_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
