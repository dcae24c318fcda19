/* What a footprint does by itself while an action runs. */
#include "tests/lib/test.h"

#include "common/base/number.h"
#include "common/base/util.h"
#include "controller/vms/drift.h"

enum { SECONDS = 8 };

/* A footprint that changed by so many bytes in each of the last eight seconds. */
static struct vm vm_with(int64_t change)
{
    struct vm vm = {.measured.waterfall = {.guest_is_known = true}};

    for (uint64_t i = 0; i < SECONDS; i++)
        footprint_history_add(&vm.measured.history, (i + 1) * NSEC_PER_SEC,
                              GIB + (uint64_t)(change * (int64_t)i));
    return vm;
}

static int64_t drift(const struct vm *vm, nsec_t duration)
{
    struct drift drift;

    drift_begin(vm, &drift);
    return drift_over(&drift, duration);
}

static void test_a_fall_that_goes_on(void **state)
{
    struct vm vm = vm_with(-4 * (int64_t)MIB);

    vm.measured.waterfall.reportable = 200 * MIB;
    assert_int_equal(drift(&vm, 0), 0);
    assert_int_equal(drift(&vm, 5 * NSEC_PER_SEC), -20 * (int64_t)MIB);
    /* for ten seconds at most */
    assert_int_equal(drift(&vm, 60 * NSEC_PER_SEC), -40 * (int64_t)MIB);
}

static void test_not_more_than_waits_in_the_guest(void **state)
{
    struct vm vm = vm_with(-4 * (int64_t)MIB);

    vm.measured.waterfall.reportable = 78 * MIB;
    vm.measured.waterfall.held_back = 70 * MIB;
    assert_int_equal(drift(&vm, 5 * NSEC_PER_SEC), -8 * (int64_t)MIB);
    /* all of it has been reported: the fall is over */
    vm.measured.waterfall.reportable = 70 * MIB;
    assert_int_equal(drift(&vm, 5 * NSEC_PER_SEC), 0);
}

static void test_falls_that_the_guest_does_not_know_of(void **state)
{
    struct vm vm = vm_with(-4 * (int64_t)MIB);

    vm.measured.waterfall.swapped = MIB;
    assert_int_equal(drift(&vm, 5 * NSEC_PER_SEC), -20 * (int64_t)MIB);
    vm.measured.waterfall.swapped = 0;
    vm.measured.waterfall.balloon = MIB;
    assert_int_equal(drift(&vm, 5 * NSEC_PER_SEC), -20 * (int64_t)MIB);
    vm.measured.waterfall.balloon = 0;
    vm.measured.waterfall.skew = 9 * NSEC_PER_SEC; /* what waits was seen long ago */
    assert_int_equal(drift(&vm, 5 * NSEC_PER_SEC), -20 * (int64_t)MIB);
    vm.measured.waterfall.skew = 0;
    vm.measured.waterfall.guest_is_known = false;
    assert_int_equal(drift(&vm, 5 * NSEC_PER_SEC), -20 * (int64_t)MIB);
}

/* A process has ended two seconds ago, and the kernel has begun to report its memory. */
static void test_a_fall_that_has_just_begun(void **state)
{
    struct vm vm = {.measured.waterfall = {.guest_is_known = true, .reportable = 900 * MIB}};

    for (uint64_t i = 0; i < SECONDS; i++)
        footprint_history_add(&vm.measured.history, (i + 1) * NSEC_PER_SEC,
                              GIB - (i == SECONDS - 1 ? 60 * MIB : 0));
    assert_int_equal(drift(&vm, 5 * NSEC_PER_SEC), -150 * (int64_t)MIB);
    vm.measured.waterfall.reportable = 30 * MIB; /* little waits: it may have been that */
    assert_int_equal(drift(&vm, 5 * NSEC_PER_SEC), 0);
}

/* Two passes of reporting took something seconds ago: nothing since. */
static void test_what_fell_once(void **state)
{
    struct vm vm = {.measured.waterfall = {.guest_is_known = true, .reportable = 200 * MIB}};

    for (uint64_t i = 0; i < SECONDS; i++)
        footprint_history_add(&vm.measured.history, (i + 1) * NSEC_PER_SEC,
                              GIB - min_of(i, (uint64_t)2) * MIB);
    assert_int_equal(drift(&vm, 5 * NSEC_PER_SEC), 0);
}

/* Each second pass of the kernel falls between two samples. */
static void test_a_fall_in_steps(void **state)
{
    struct vm vm = {.measured.waterfall = {.guest_is_known = true, .reportable = 200 * MIB}};

    for (uint64_t i = 0; i < SECONDS; i++)
        footprint_history_add(&vm.measured.history, (i + 1) * NSEC_PER_SEC, GIB - i / 2 * 8 * MIB);
    assert_int_equal(drift(&vm, 5 * NSEC_PER_SEC), -20 * (int64_t)MIB);
}

static void test_too_little_is_known(void **state)
{
    struct vm vm = {.measured.waterfall = {.guest_is_known = true, .reportable = 200 * MIB}};

    assert_int_equal(drift(&vm, 5 * NSEC_PER_SEC), 0);
    for (uint64_t i = 0; i < 4; i++)
        footprint_history_add(&vm.measured.history, (i + 1) * NSEC_PER_SEC, GIB - i * 8 * MIB);
    assert_int_equal(drift(&vm, 5 * NSEC_PER_SEC), 0);
}

static void test_a_rise_counts_as_still(void **state)
{
    struct vm vm = vm_with(4 * (int64_t)MIB);

    vm.measured.waterfall.reportable = 200 * MIB;
    assert_int_equal(drift(&vm, 5 * NSEC_PER_SEC), 0);
}

/* What fell while another action was under way was its doing. */
static void test_what_another_action_took(void **state)
{
    struct vm vm = vm_with(-4 * (int64_t)MIB);
    struct drift drift;

    vm.measured.waterfall.balloon = MIB;
    footprint_history_claim(&vm.measured.history, SECONDS * NSEC_PER_SEC, 0);
    drift_begin(&vm, &drift);
    assert_false(drift.is_known);
    assert_int_equal(drift_over(&drift, 5 * NSEC_PER_SEC), 0);
    for (uint64_t i = 0; i < 6; i++)
        footprint_history_add(&vm.measured.history, (SECONDS + 1 + i) * NSEC_PER_SEC,
                              GIB - i * 2 * MIB);
    drift_begin(&vm, &drift);
    assert_true(drift.is_known);
    assert_int_equal(drift_over(&drift, 5 * NSEC_PER_SEC), -10 * (int64_t)MIB);
}

/* An action that was heard of at its end: only what was before its begin counts. */
static void test_the_drift_of_a_moment_ago(void **state)
{
    struct vm vm = vm_with(-4 * (int64_t)MIB);
    struct drift drift;

    for (uint64_t i = 0; i < 6; i++) /* the action's own */
        footprint_history_add(&vm.measured.history, (SECONDS + 1 + i) * NSEC_PER_SEC, 100 * MIB);
    drift_begin_at(&vm, SECONDS * NSEC_PER_SEC, 200 * MIB, &drift);
    assert_int_equal(drift_over(&drift, 5 * NSEC_PER_SEC), -20 * (int64_t)MIB);
    drift_begin_at(&vm, SECONDS * NSEC_PER_SEC, 8 * MIB, &drift);
    assert_int_equal(drift_over(&drift, 5 * NSEC_PER_SEC), -8 * (int64_t)MIB);
    drift_begin_at(&vm, 2 * NSEC_PER_SEC, 200 * MIB, &drift); /* too little is known of before */
    assert_int_equal(drift_over(&drift, 5 * NSEC_PER_SEC), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_fall_that_goes_on),
        cmocka_unit_test(test_not_more_than_waits_in_the_guest),
        cmocka_unit_test(test_falls_that_the_guest_does_not_know_of),
        cmocka_unit_test(test_a_fall_that_has_just_begun),
        cmocka_unit_test(test_what_fell_once),
        cmocka_unit_test(test_a_fall_in_steps),
        cmocka_unit_test(test_too_little_is_known),
        cmocka_unit_test(test_a_rise_counts_as_still),
        cmocka_unit_test(test_what_another_action_took),
        cmocka_unit_test(test_the_drift_of_a_moment_ago),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
