/* Signs that a guest is short of memory under a balloon. */
#include "tests/lib/test.h"

#include "common/base/number.h"
#include "controller/guests/starvation.h"

struct guest {
    struct starvation starvation;
    struct starvation_sample sample;
    uint64_t balloon;
    nsec_t now;
    unsigned begins;
    unsigned ends;
    unsigned gave_way;
};

/* 4 GiB with little left, a quarter in the balloon. */
static void make(struct guest *guest)
{
    *guest = (struct guest){
        .sample = {.time = NSEC_PER_SEC, .total = 4 * GIB, .available = 100 * MIB},
        .balloon = GIB,
        .now = 1000 * NSEC_PER_SEC,
    };
    (void)starvation_take(&guest->starvation, &guest->sample, guest->balloon, guest->now);
}

static void note(struct guest *guest, enum starvation_change change)
{
    guest->begins += change == STARVATION_BEGINS;
    guest->ends += change == STARVATION_ENDS;
    guest->gave_way += change == STARVATION_GIVES_WAY;
}

/* Ten seconds in which it stalls so long and reads so many pages again. */
static void live(struct guest *guest, nsec_t stalled, uint64_t refaults)
{
    guest->now += 10 * NSEC_PER_SEC;
    guest->sample.time += 10 * NSEC_PER_SEC;
    guest->sample.stalled += stalled;
    guest->sample.refaults += refaults;
    note(guest, starvation_take(&guest->starvation, &guest->sample, guest->balloon, guest->now));
}

static void test_an_oom_kill(void **state)
{
    struct guest guest;

    make(&guest);
    live(&guest, 0, 0);
    assert_int_equal(guest.begins, 0);
    guest.sample.oom_kills = 2;
    guest.sample.available = 2 * GIB; /* it was the kill that made it so */
    live(&guest, 0, 0);
    assert_int_equal(guest.begins, 1);
    assert_int_equal(guest.starvation.kills, 2);
    guest.sample.oom_kills = 3;
    live(&guest, 0, 0);
    assert_int_equal(guest.begins, 1);
    assert_int_equal(guest.starvation.kills, 3);
}

static void test_a_burst_is_no_hunger(void **state)
{
    struct guest guest;

    make(&guest);
    live(&guest, 4 * NSEC_PER_SEC, 0);
    live(&guest, 0, 0);
    live(&guest, 4 * NSEC_PER_SEC, 0);
    assert_int_equal(guest.begins, 0);
    live(&guest, 4 * NSEC_PER_SEC, 0);
    assert_int_equal(guest.begins, 1);
    assert_int_equal(guest.starvation.stalled_permyriad, 4000);
}

static void test_pages_that_are_read_again(void **state)
{
    struct guest guest;

    make(&guest);
    live(&guest, 0, 9000);
    live(&guest, 0, 9000);
    assert_int_equal(guest.begins, 0);
    live(&guest, 0, 20000);
    live(&guest, 0, 20000);
    assert_int_equal(guest.begins, 1);
    assert_int_equal(guest.starvation.refault_rate, 2000);
}

static void test_what_is_not_the_balloons(void **state)
{
    struct guest guest;

    make(&guest);
    guest.balloon = 128 * MIB; /* a thirty-second */
    for (int i = 0; i < 5; i++)
        live(&guest, 9 * NSEC_PER_SEC, 100000);
    make(&guest);
    guest.balloon = 0;
    guest.sample.oom_kills = 5;
    live(&guest, 9 * NSEC_PER_SEC, 0);
    make(&guest);
    guest.sample.available = GIB; /* there is enough: it stalls for something else */
    for (int i = 0; i < 5; i++)
        live(&guest, 9 * NSEC_PER_SEC, 100000);
    assert_int_equal(guest.begins, 0);
}

static void test_it_ends(void **state)
{
    struct guest guest;

    make(&guest);
    guest.sample.oom_kills = 1;
    live(&guest, 0, 0);
    for (int i = 0; i < 5; i++)
        live(&guest, 0, 0);
    assert_int_equal(guest.ends, 0);
    live(&guest, 0, 0);
    assert_int_equal(guest.ends, 1);
    guest.sample.oom_kills = 2;
    live(&guest, 0, 0);
    assert_int_equal(guest.begins, 2);
    guest.balloon = 0; /* given back */
    note(&guest, starvation_pass(&guest.starvation, guest.balloon));
    assert_int_equal(guest.ends, 1);
    assert_int_equal(guest.gave_way, 1);
    guest.balloon = GIB;
    guest.sample.oom_kills = 3;
    live(&guest, 0, 0);
    guest.balloon = 128 * MIB; /* too little of such a guest to count */
    live(&guest, 9 * NSEC_PER_SEC, 0);
    assert_int_equal(guest.ends, 1);
    assert_int_equal(guest.gave_way, 2);
}

/* What the guest showed before it booted again does not count with what it shows after. */
static void test_a_burst_before_the_reboot(void **state)
{
    struct guest guest;

    for (int i = 0; i < 2; i++) {
        make(&guest);
        live(&guest, 4 * NSEC_PER_SEC, 0);
        if (i == 0)
            guest.starvation.has_last = false; /* as it is told */
        else
            guest.sample.time = guest.sample.stalled = 0; /* as its counters tell */
        live(&guest, 0, 0);
        live(&guest, 4 * NSEC_PER_SEC, 0);
        assert_int_equal(guest.begins, 0);
        live(&guest, 4 * NSEC_PER_SEC, 0);
        assert_int_equal(guest.begins, 1);
    }
}

/* Its agent may have been killed for want of memory. */
static void test_a_guest_that_is_not_heard_any_more(void **state)
{
    struct guest guest;

    make(&guest);
    guest.sample.oom_kills = 1;
    live(&guest, 0, 0);
    assert_int_equal(guest.begins, 1);
    guest.now += 3600 * NSEC_PER_SEC;
    note(&guest, starvation_pass(&guest.starvation, guest.balloon));
    assert_int_equal(guest.ends, 0);
    live(&guest, 0, 0);
    assert_int_equal(guest.ends, 1); /* it was heard, and showed none */
}

/* Another boot's counters begin anew; what is not told is no sign; the guest may say anything. */
static void test_counters_of_any_kind(void **state)
{
    struct guest guest;

    make(&guest);
    guest.sample.oom_kills = 7;
    live(&guest, 0, 0);
    assert_int_equal(guest.begins, 1);
    make(&guest);
    guest.starvation.last.oom_kills = 9; /* before the reboot */
    guest.sample.oom_kills = 1;
    live(&guest, 0, 0);
    assert_int_equal(guest.begins, 0);
    make(&guest);
    guest.sample.stalled = guest.sample.refaults = guest.sample.oom_kills = STARVATION_UNKNOWN;
    guest.sample.total = guest.sample.available = STARVATION_UNKNOWN;
    for (int i = 0; i < 3; i++)
        live(&guest, 0, 0);
    assert_int_equal(guest.begins, 0);
    make(&guest);
    guest.sample.time = guest.sample.stalled = guest.sample.refaults = UINT64_MAX - 1;
    note(&guest, starvation_take(&guest.starvation, &guest.sample, GIB, guest.now));
    assert_true(guest.starvation.stalled_permyriad <= PERMYRIAD_ONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_oom_kill),
        cmocka_unit_test(test_a_burst_is_no_hunger),
        cmocka_unit_test(test_pages_that_are_read_again),
        cmocka_unit_test(test_what_is_not_the_balloons),
        cmocka_unit_test(test_it_ends),
        cmocka_unit_test(test_a_burst_before_the_reboot),
        cmocka_unit_test(test_a_guest_that_is_not_heard_any_more),
        cmocka_unit_test(test_counters_of_any_kind),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
