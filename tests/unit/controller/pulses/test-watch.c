/* Since when a guest without an agent is calm, and what was free for long. */
#include "tests/lib/test.h"

#include "common/base/number.h"
#include "controller/pulses/watch.h"

#define WINDOW (120 * NSEC_PER_SEC)

static struct pulse_watch watch;
static struct pulse_counters counters;
static nsec_t now;

static int set_up(void **state)
{
    watch = (struct pulse_watch){.last = {.source = READING_NONE}};
    counters = (struct pulse_counters){1000, 10, 0, 0};
    now = 5000 * NSEC_PER_SEC;
    return 0;
}

/* A reading, ten seconds after the last. */
static void read_free(uint64_t free)
{
    const struct guest_reading reading = {
        .source = READING_STATISTICS, .read = now, .total = 4 * GIB, .free = free};

    pulse_watch_take(&watch, &reading, &counters, WINDOW);
    now += 10 * NSEC_PER_SEC;
}

static nsec_t calm_for(void)
{
    return watch.calm_since == 0 ? 0 : watch.last.read - watch.calm_since;
}

static void test_a_calm_guest(void **state)
{
    read_free(2 * GIB);
    assert_true(calm_for() == 0); /* one reading says nothing */
    for (int i = 0; i < 12; i++) {
        counters.minor_faults += 200;
        read_free(2 * GIB - (uint64_t)(i % 2) * MIB);
    }
    assert_true(calm_for() == 120 * NSEC_PER_SEC);
    assert_true(watch.calm_free == 2 * GIB - MIB);
}

static void test_what_is_not_calm(void **state)
{
    static const struct {
        uint64_t free;
        struct pulse_counters grown;
    } cases[] = {
        {2 * GIB - 100 * MIB, {0, 0, 0, 0}},
        {2 * GIB + 100 * MIB, {0, 0, 0, 0}},
        {2 * GIB, {100000, 0, 0, 0}},
        {2 * GIB, {0, 1000, 0, 0}},
        {2 * GIB, {0, 0, 1, 0}},
        {2 * GIB, {0, 0, 0, 1}},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        (void)set_up(state);
        read_free(2 * GIB);
        read_free(2 * GIB);
        assert_true(calm_for() > 0);
        counters.minor_faults += cases[i].grown.minor_faults;
        counters.major_faults += cases[i].grown.major_faults;
        counters.swap_in += cases[i].grown.swap_in;
        counters.swap_out += cases[i].grown.swap_out;
        read_free(cases[i].free);
        if (calm_for() != 0)
            fail_msg("case %zu is calm", i);
        read_free(cases[i].free);
        assert_true(calm_for() == 10 * NSEC_PER_SEC);
    }
}

static void test_a_reboot_is_no_calm(void **state)
{
    read_free(2 * GIB);
    read_free(2 * GIB);
    counters.minor_faults = 10;
    read_free(2 * GIB);
    assert_true(calm_for() == 0);
}

static void test_a_gap_is_no_calm(void **state)
{
    read_free(2 * GIB);
    read_free(2 * GIB);
    now += 60 * NSEC_PER_SEC;
    read_free(2 * GIB);
    assert_true(calm_for() == 0);
}

static void test_a_guest_that_does_not_tell_its_faults(void **state)
{
    counters.minor_faults = UINT64_MAX;
    for (int i = 0; i < 20; i++)
        read_free(2 * GIB);
    assert_true(calm_for() == 0);
    assert_false(watch.tells_faults);
}

static void test_the_same_reading_counts_once(void **state)
{
    read_free(2 * GIB);
    read_free(2 * GIB);
    now -= 10 * NSEC_PER_SEC;
    read_free(GIB);
    assert_true(calm_for() > 0);
    assert_true(watch.last.free == 2 * GIB);
}

/* Also of a guest that works: what was free in the last whole window. */
static void test_what_was_free_for_long(void **state)
{
    uint64_t bytes;

    for (int i = 0; i < 12; i++)
        read_free(i == 5 ? GIB : 2 * GIB);
    assert_false(pulse_watch_free_for_long(&watch, &bytes));
    read_free(2 * GIB);
    assert_true(pulse_watch_free_for_long(&watch, &bytes));
    assert_true(bytes == GIB);
    for (int i = 0; i < 12; i++)
        read_free(2 * GIB);
    assert_true(pulse_watch_free_for_long(&watch, &bytes));
    assert_true(bytes == 2 * GIB);
    read_free(GIB / 2);
    assert_true(pulse_watch_free_for_long(&watch, &bytes));
    assert_true(bytes == GIB / 2);
    now += 100 * NSEC_PER_SEC;
    read_free(2 * GIB);
    assert_false(pulse_watch_free_for_long(&watch, &bytes));
}

#define watch_test(test) cmocka_unit_test_setup(test, set_up)

int main(void)
{
    const struct CMUnitTest tests[] = {
        watch_test(test_a_calm_guest),
        watch_test(test_what_is_not_calm),
        watch_test(test_a_reboot_is_no_calm),
        watch_test(test_a_gap_is_no_calm),
        watch_test(test_a_guest_that_does_not_tell_its_faults),
        watch_test(test_the_same_reading_counts_once),
        watch_test(test_what_was_free_for_long),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
