/* The waterfall's sums. */
#include "tests/lib/test.h"

#include "common/base/number.h"
#include "controller/vms/waterfall.h"

static const struct guest_memory guest = {
    .received = 10 * NSEC_PER_SEC,
    .latency = 5 * NSEC_PER_MSEC,
    .total = 900 * MIB,
    .free = 300 * MIB,
    .reported = 200 * MIB,
    .reportable = 60 * MIB,
    .held_back = 10 * MIB,
    .trapped = 40 * MIB,
    .percpu = 15 * MIB,
    .cache = 250 * MIB,
    .in_use = 335 * MIB,
};

static const struct host_memory host = {
    .time = 10 * NSEC_PER_SEC + 20 * NSEC_PER_MSEC,
    .footprint = 800 * MIB,
    .swapped = 3 * MIB,
};

static void test_parts_and_remainder(void **state)
{
    const struct waterfall_balloon balloon = {
        .ram = 1024 * MIB, .maximum = 1024 * MIB, .actual = 1024 * MIB};
    struct waterfall w;

    waterfall_compute(&guest, &host, &balloon, &w);
    assert_true(w.guest_is_known);
    assert_int_equal(w.skew, 25 * NSEC_PER_MSEC);
    assert_int_equal(w.footprint, 800 * MIB);
    assert_int_equal(w.swapped, 3 * MIB);
    assert_int_equal(w.held_back, 10 * MIB);
    assert_int_equal(w.balloon, 0);
    assert_int_equal(w.in_use, 335 * MIB);
    assert_int_equal(w.unmanaged, 124 * MIB);
    /* 800 - (335 + 250 + 60 + 40 + 15 + 124) */
    assert_int_equal(w.remainder, -24 * (int64_t)MIB);
}

static void test_balloon_that_counts_as_used(void **state)
{
    const struct waterfall_balloon balloon = {
        .ram = 1024 * MIB, .maximum = 1024 * MIB, .actual = 924 * MIB, .counts_as_used = true};
    struct waterfall w;

    waterfall_compute(&guest, &host, &balloon, &w);
    assert_int_equal(w.balloon, 100 * MIB);
    assert_int_equal(w.in_use, 235 * MIB);
    assert_int_equal(w.unmanaged, 124 * MIB);
}

static void test_balloon_that_shrinks_memtotal(void **state)
{
    const struct waterfall_balloon balloon = {
        .ram = 1024 * MIB, .maximum = 1024 * MIB, .actual = 924 * MIB};
    struct waterfall w;

    waterfall_compute(&guest, &host, &balloon, &w);
    assert_int_equal(w.balloon, 100 * MIB);
    assert_int_equal(w.in_use, 335 * MIB);
    assert_int_equal(w.unmanaged, 24 * MIB);
}

static void test_without_a_guest(void **state)
{
    const struct waterfall_balloon balloon = {
        .ram = 1024 * MIB, .maximum = 1024 * MIB, .actual = 1000 * MIB};
    const struct guest_memory none = {0};
    struct waterfall w;

    waterfall_compute(&none, &host, &balloon, &w);
    assert_false(w.guest_is_known);
    assert_int_equal(w.footprint, 800 * MIB);
    assert_int_equal(w.balloon, 24 * MIB);
    assert_int_equal(w.remainder, 0);
    waterfall_compute(NULL, &host, &balloon, &w);
    assert_false(w.guest_is_known);
}

static void test_a_sample_holds_while_the_agent_is_waited_for(void **state)
{
    const nsec_t interval = 10 * NSEC_PER_SEC;
    const nsec_t last = guest.received + 40 * NSEC_PER_SEC;
    const struct guest_memory none = {0};

    assert_true(waterfall_guest_holds(&guest, guest.received, interval, true, true));
    assert_true(waterfall_guest_holds(&guest, guest.received - 1, interval, true, true));
    assert_true(waterfall_guest_holds(&guest, last, interval, true, true));
    assert_false(waterfall_guest_holds(&guest, last + 1, interval, true, true));
    assert_true(waterfall_guest_holds(&guest, last + 1, 30 * NSEC_PER_SEC, true, true));
    /* paused */
    assert_true(waterfall_guest_holds(&guest, 100 * last, interval, true, false));
    assert_false(waterfall_guest_holds(&guest, guest.received, interval, false, false));
    assert_false(waterfall_guest_holds(&guest, guest.received, interval, false, true));
    assert_false(waterfall_guest_holds(&none, 0, interval, true, false));
}

/* No figure stands in for one that is not known. */
static void test_what_is_not_known(void **state)
{
    const struct waterfall_balloon unknown = {.actual = 924 * MIB};
    const struct waterfall_balloon none = {.ram = 1024 * MIB, .is_absent = true};
    const struct host_memory nothing = {0};
    struct waterfall w;

    waterfall_compute(&guest, &host, &unknown, &w);
    assert_int_equal(w.ram, 0);
    assert_int_equal(w.unmanaged, 0);
    assert_false(w.balloon_is_known);
    assert_int_equal(w.balloon, 0);
    waterfall_compute(&guest, &nothing, &none, &w);
    assert_false(w.host_is_known);
    assert_true(w.balloon_is_known);
    assert_int_equal(w.remainder, 0);
    assert_int_equal(w.skew, 0);
    assert_int_equal(w.in_use, 335 * MIB);
}

/* Memory that the balloon's sizes do not count is not in the balloon. */
static void test_an_nvdimm_is_not_in_the_balloon(void **state)
{
    const struct waterfall_balloon balloon = {
        .ram = 1152 * MIB, .maximum = 1024 * MIB, .actual = 1024 * MIB, .counts_as_used = true};
    struct waterfall w;

    waterfall_compute(&guest, &host, &balloon, &w);
    assert_int_equal(w.balloon, 0);
    assert_int_equal(w.in_use, 335 * MIB);
}

static void test_no_remainder_of_what_is_not_known(void **state)
{
    const struct waterfall_balloon balloon = {.ram = 0};
    struct waterfall w;

    waterfall_compute(&guest, &host, &balloon, &w);
    assert_true(w.guest_is_known && w.host_is_known);
    assert_int_equal(w.remainder, 0);
}

/* The largest that the doors let in: sums and differences still hold. */
static void test_the_largest_figures(void **state)
{
    const struct guest_memory all = {
        .received = 1,
        .latency = UINT64_MAX,
        .total = GUEST_MEMORY_MAX,
        .reportable = GUEST_MEMORY_MAX,
        .trapped = GUEST_MEMORY_MAX,
        .percpu = GUEST_MEMORY_MAX,
        .cache = GUEST_MEMORY_MAX,
        .in_use = GUEST_MEMORY_MAX,
    };
    const struct host_memory much = {.time = UINT64_MAX, .footprint = GUEST_MEMORY_MAX};
    const struct waterfall_balloon balloon = {
        .ram = UINT64_C(1) << 51, .maximum = UINT64_C(1) << 52, .actual = 1};
    struct waterfall w;

    waterfall_compute(&all, &much, &balloon, &w);
    assert_true(w.skew == UINT64_MAX);
    assert_int_equal(w.remainder, -4 * (int64_t)GUEST_MEMORY_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parts_and_remainder),
        cmocka_unit_test(test_balloon_that_counts_as_used),
        cmocka_unit_test(test_balloon_that_shrinks_memtotal),
        cmocka_unit_test(test_an_nvdimm_is_not_in_the_balloon),
        cmocka_unit_test(test_without_a_guest),
        cmocka_unit_test(test_a_sample_holds_while_the_agent_is_waited_for),
        cmocka_unit_test(test_what_is_not_known),
        cmocka_unit_test(test_no_remainder_of_what_is_not_known),
        cmocka_unit_test(test_the_largest_figures),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
