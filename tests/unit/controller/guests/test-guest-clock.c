/* How old a guest's samples are. */
#include "tests/lib/test.h"

#include "controller/guests/guest-clock.h"

#define BOOT (1000 * NSEC_PER_SEC) /* of the guest, by our clock */

/* One that took `latency`. */
static nsec_t take(struct guest_clock *clock, nsec_t now, nsec_t latency)
{
    return guest_clock_take(clock, now, now - BOOT - latency);
}

static void test_the_quickest_sample(void **state)
{
    struct guest_clock clock = {0};

    assert_int_equal(take(&clock, 2000 * NSEC_PER_SEC, NSEC_PER_SEC), 0);
    assert_int_equal(take(&clock, 2010 * NSEC_PER_SEC, NSEC_PER_MSEC), 0);
    assert_int_equal(take(&clock, 2020 * NSEC_PER_SEC, NSEC_PER_SEC), 999 * NSEC_PER_MSEC);
    assert_int_equal(take(&clock, 2030 * NSEC_PER_SEC, NSEC_PER_MSEC), 0);
}

/* Its clock stood meanwhile. */
static void test_a_guest_that_was_stopped(void **state)
{
    struct guest_clock clock = {0};
    nsec_t now = 2000 * NSEC_PER_SEC;
    nsec_t stop = 8 * 3600 * NSEC_PER_SEC;

    (void)take(&clock, now, 0);
    now += stop;
    assert_int_equal(take(&clock, now, stop), 0);
    assert_int_equal(take(&clock, now + 10 * NSEC_PER_SEC, stop + NSEC_PER_SEC), NSEC_PER_SEC);
    /* Less than a window, and not told: for two windows the samples look older. */
    now += 20 * NSEC_PER_SEC;
    stop += 60 * NSEC_PER_SEC;
    assert_int_equal(take(&clock, now, stop), 60 * NSEC_PER_SEC);
    for (int i = 0; i < 130; i++)
        (void)take(&clock, now + (nsec_t)i * 10 * NSEC_PER_SEC, stop);
    assert_int_equal(take(&clock, now + 1300 * NSEC_PER_SEC, stop), 0);
}

/* A hundredth of a per mille slower than ours, for a month. */
static void test_a_clock_that_runs_slower(void **state)
{
    struct guest_clock clock = {0};
    nsec_t worst = 0;

    for (nsec_t passed = 0; passed < 30 * 86400 * NSEC_PER_SEC; passed += 60 * NSEC_PER_SEC) {
        nsec_t latency = guest_clock_take(&clock, BOOT + passed, passed - passed / 100000);

        worst = latency > worst ? latency : worst;
    }
    assert_true(worst < 20 * NSEC_PER_MSEC);
}

static void test_any_time_at_all(void **state)
{
    const nsec_t times[] = {0,         1,          INT64_MAX,      (nsec_t)INT64_MAX + 1,
                            BOOT,      UINT64_MAX, UINT64_MAX / 2, UINT64_MAX - 1,
                            BOOT << 20};
    struct guest_clock clock = {0};
    nsec_t now = BOOT;

    for (size_t i = 0; i < ARRAY_SIZE(times) * ARRAY_SIZE(times); i++) {
        now += 100 * NSEC_PER_SEC;
        (void)guest_clock_take(&clock, now, times[i % ARRAY_SIZE(times)]);
        (void)guest_clock_take(&clock, now, times[i / ARRAY_SIZE(times)]);
    }
    assert_int_equal(guest_clock_take(&clock, now, UINT64_MAX / 2 + 5) > 0, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_quickest_sample),
        cmocka_unit_test(test_a_guest_that_was_stopped),
        cmocka_unit_test(test_a_clock_that_runs_slower),
        cmocka_unit_test(test_any_time_at_all),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
