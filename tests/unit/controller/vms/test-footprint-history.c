/* Footprints of long ago: found as near as the series are dense, never made up. */
#include "tests/lib/test.h"

#include "common/base/util.h"
#include "controller/vms/footprint-history.h"

#define HOUR 3600u

/* One point per second from `from` to `to`, each with its second as the footprint. */
static void fill(struct footprint_history *history, uint64_t from, uint64_t to)
{
    for (uint64_t i = from; i <= to; i++)
        footprint_history_add(history, i * NSEC_PER_SEC, i);
}

static void test_the_last_seconds_are_exact(void **state)
{
    struct footprint_history history = {0};

    fill(&history, 1, 100);
    for (uint32_t age = 0; age < FOOTPRINT_HISTORY_RECENT; age++) {
        assert_int_equal(footprint_history_recent(&history, age)->footprint, 100 - age);
        assert_int_equal(footprint_history_at(&history, (100 - age) * NSEC_PER_SEC)->footprint,
                         100 - age);
    }
    assert_int_equal(footprint_history_recent(&history, FOOTPRINT_HISTORY_RECENT)->time, 0);
}

/* Whatever a policy's step may take, its begin is found, and not after it. */
static void test_the_begin_of_long_steps(void **state)
{
    static const struct {
        uint64_t ago;
        uint64_t off; /* at most, in seconds */
    } steps[] = {{10, 0}, {30, 15}, {120, 15}, {225, 15}, {600, 240}, {HOUR, 240}};
    struct footprint_history history = {0};
    uint64_t now = 3 * HOUR;

    fill(&history, 1, now);
    for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
        uint64_t start = now - steps[i].ago;
        const struct footprint_point *point = footprint_history_at(&history, start * NSEC_PER_SEC);

        assert_non_null(point);
        assert_int_equal(point->time, point->footprint * NSEC_PER_SEC);
        assert_true(point->footprint <= start);
        assert_true(start - point->footprint <= steps[i].off);
    }
}

static void test_what_was_before_is_not_known(void **state)
{
    struct footprint_history history = {0};

    assert_null(footprint_history_at(&history, UINT64_MAX));
    fill(&history, 100, 130);
    assert_null(footprint_history_at(&history, 99 * NSEC_PER_SEC));
    assert_int_equal(footprint_history_at(&history, 101 * NSEC_PER_SEC)->footprint, 100);
}

static void test_a_correction_reaches_all(void **state)
{
    struct footprint_history history = {0};

    footprint_history_add(&history, 1 * NSEC_PER_SEC, 50);
    footprint_history_add(&history, 20 * NSEC_PER_SEC, 3);
    footprint_history_lower(&history, 10);
    assert_int_equal(footprint_history_at(&history, 2 * NSEC_PER_SEC)->footprint, 40);
    assert_int_equal(footprint_history_at(&history, 20 * NSEC_PER_SEC)->footprint, 0);
    footprint_history_lower(&history, -10);
    assert_int_equal(footprint_history_at(&history, 2 * NSEC_PER_SEC)->footprint, 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_last_seconds_are_exact),
        cmocka_unit_test(test_the_begin_of_long_steps),
        cmocka_unit_test(test_what_was_before_is_not_known),
        cmocka_unit_test(test_a_correction_reaches_all),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
