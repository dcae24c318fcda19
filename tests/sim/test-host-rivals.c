/* Each rival's rule does what its own project has published of it. */
#include "tests/lib/test.h"

#include <math.h>
#include <string.h>

#include "common/base/util.h"
#include "tests/sim/host-rivals.h"

#define MIB_ (1024.0 * 1024)
#define GIB_ (1024.0 * MIB_)
#define MB   1e6 /* Proxmox's test reckons in these */
#define GB   1e9
#define NO   0.0

/* ---- oVirt's MOM ---- */

static double mom_target(double host_free, double size, double free, double minimum)
{
    const struct mom_guest guest = {.size = size,
                                    .size_mean = size,
                                    .free_mean = free,
                                    .minimum = minimum,
                                    .maximum = 2 * GIB_};

    return mom_decide(host_free, &guest);
}

/* aglitke/mom issue 1, 2011: a guest of 1 GiB that may have 2, 500 MiB of it free, on a host that
 * is not short, grows to its maximum whatever it uses. */
static void test_mom_grows_a_guest_that_needs_nothing(void **state)
{
    double size = GIB_, used = GIB_ - 500 * MIB_;
    unsigned passes = 0;

    for (double next; (next = mom_target(0.5, size, size - used, GIB_)) != 0; size = next) {
        assert_true(next <= size * 1.05 + 1);
        passes++;
    }
    assert_true(size == 2 * GIB_);
    assert_int_equal(passes, 15); /* 1.05^15 > 2: two and a half minutes */
}

/* Its rules' own words: under 5 % a guest is to swap, so its free memory is made negative. */
static void test_mom_takes_what_is_used_when_critical(void **state)
{
    double size = mom_target(0.02, GIB_, 0, 512 * MIB_);

    assert_true(size < GIB_ && fabs(size - 0.97 * GIB_) < MIB_);
}

/* Scaled to the host's shortage, for all guests alike, at most 5 % at a time. */
static void test_mom_shrinks_all_alike(void **state)
{
    assert_true(fabs(mom_target(0.10, GIB_, 600 * MIB_, 0) - 0.95 * GIB_) < MIB_);
    /* at 10 % of the host 10 % of the guest stay free */
    assert_true(fabs(mom_target(0.10, GIB_, 120 * MIB_, 0) - (GIB_ * 1.1 - 120 * MIB_)) < MIB_);
    assert_true(mom_target(0.10, GIB_, 80 * MIB_, 0) == 0); /* it has less than that */
    assert_true(mom_target(0.10, GIB_, 600 * MIB_, GIB_) == 0);
    assert_true(mom_target(0.20, 2 * GIB_, 600 * MIB_, 0) == 0); /* not short, at its maximum */
}

static void test_mom_reckons_with_the_mean_of_ten(void **state)
{
    struct mom_history history = {.count = 0};

    assert_true(mom_mean(&history) == 0);
    mom_take(&history, 100);
    mom_take(&history, 200);
    assert_true(mom_mean(&history) == 150);
    for (unsigned i = 0; i < 10; i++)
        mom_take(&history, 7);
    assert_true(mom_mean(&history) == 7);
}

/* ---- Proxmox VE ---- */

/* Its test/balloontest.pl (proxmox/pve-manager, commit 138cae8): the three hosts and every row. */
static const struct proxmox_guest host1[3] = {
    {.maximum = 2 * GB, .shares = 2000, .size = GB, .minimum = GB},
    {.maximum = 2 * GB, .shares = 1000, .size = GB, .minimum = GB},
};
static const struct proxmox_guest host2[3] = {
    {.maximum = 2 * GB, .shares = 2000, .size = 2 * GB, .minimum = 2 * GB},
    {.maximum = 2 * GB, .shares = 1000, .size = GB, .minimum = GB},
};
static const struct proxmox_guest host3[3] = {
    {.maximum = 2 * GB, .shares = 2000, .size = 2 * GB, .minimum = 2 * GB},
    {.maximum = 2 * GB, .shares = 1000, .size = GB + 7 * MB, .minimum = GB},
    {.maximum = 2 * GB, .shares = 1000, .size = GB, .minimum = GB, .free = 512 * MB},
};

struct row {
    const struct proxmox_guest *host;
    double goal;
    double expected[3]; /* NO: no change */
};

static void check(const struct proxmox_guest guests[3], const double expected[3])
{
    for (unsigned i = 0; i < 3; i++)
        assert_true(guests[i].target == expected[i]);
}

static void test_proxmox_one_cycle(void **state)
{
    static const struct row rows[] = {
        {host1, 0, {NO}},
        {host1, 90 * MB, {1060 * MB, 1030 * MB}},
        {host1, 150 * MB, {1100 * MB, 1050 * MB}},
        {host1, 270 * MB, {1100 * MB, 1090 * MB}},
        {host2, 0, {NO}},
        {host2, 18 * MB, {NO, 1018 * MB}},
        {host2, 500 * MB, {NO, 1100 * MB}},
        {host3, 0, {NO}},
        {host3, 11 * MB, {NO, 1018 * MB}},
        {host3, 80 * MB, {NO, 1087 * MB}},
        {host3, 200 * MB, {NO, 1107 * MB}},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct proxmox_guest guests[3];

        memcpy(guests, rows[i].host, sizeof(guests));
        proxmox_decide(guests, 3, rows[i].goal, 100 * MB);
        check(guests, rows[i].expected);
    }
}

/* Until nothing changes any more; free memory follows the size. */
static void simulate(struct proxmox_guest guests[3], double goal, const double expected[3])
{
    double last[3] = {NO};
    bool changed = true;

    while (changed) {
        changed = false;
        proxmox_decide(guests, 3, goal, 100 * MB);
        for (unsigned i = 0; i < 3; i++) {
            double change = guests[i].target == 0 ? 0 : guests[i].target - guests[i].size;

            if (change == 0)
                continue;
            changed = true;
            guests[i].free = fmax(guests[i].free + change, 0);
            guests[i].size += change;
            last[i] = guests[i].size;
            goal -= change;
        }
    }
    for (unsigned i = 0; i < 3; i++)
        guests[i].target = last[i];
    check(guests, expected);
}

static void test_proxmox_until_it_rests(void **state)
{
    static const struct row rows[] = {
        {host1, 180 * MB, {1120 * MB, 1060 * MB}},     {host1, 270 * MB, {1180 * MB, 1090 * MB}},
        {host1, 600 * MB, {1300 * MB, 1300 * MB}},     {host1, 900 * MB, {1600 * MB, 1300 * MB}},
        {host3, 593 * MB, {NO, 1300 * MB, 1300 * MB}},
    };
    static const struct row shrinks[] = {
        {NULL, -200 * MB, {NO, 1200 * MB, 1200 * MB}},
        {NULL, -400 * MB, {NO, 1200 * MB, GB}},
        {NULL, -593 * MB, {NO, 1007 * MB, GB}},
    };
    struct proxmox_guest grown[3] = {0};

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        memcpy(grown, rows[i].host, sizeof(grown));
        simulate(grown, rows[i].goal, rows[i].expected);
    }
    for (size_t i = 0; i < ARRAY_SIZE(shrinks); i++) {
        struct proxmox_guest guests[3];

        memcpy(guests, grown, sizeof(guests));
        simulate(guests, shrinks[i].goal, shrinks[i].expected);
    }
}

/* Home Assistant OS issue 4805: when those with free memory have given what they can, all are
 * shrunk to their minimum, those that need it as well, and nothing makes them grow again while the
 * host is short. */
static void test_proxmox_shrinks_a_guest_in_need(void **state)
{
    struct proxmox_guest guests[1] = {
        {.maximum = 2 * GB, .shares = 1000, .size = 2 * GB, .minimum = GB, .free = 20 * MB}};

    for (unsigned i = 0; i < 10; i++) {
        proxmox_decide(guests, 1, -2 * GB, 100 * MB);
        assert_true(guests[0].target != 0);
        guests[0].size = guests[0].target;
        guests[0].free = 0;
    }
    assert_true(guests[0].size == GB);
    proxmox_decide(guests, 1, -20 * MB, 100 * MB);
    assert_true(guests[0].target == 0 || guests[0].target == GB);
}

static void test_proxmox_leaves_alone(void **state)
{
    static const struct proxmox_guest kinds[] = {
        {.maximum = 2 * GB, .shares = 0, .size = 2 * GB, .minimum = GB, .free = GB},
        {.maximum = 2 * GB, .shares = 1000, .size = 0, .minimum = GB, .free = GB},
        {.maximum = 2 * GB, .shares = 1000, .size = 2 * GB, .minimum = 0, .free = GB},
        {.maximum = 2 * GB,
         .shares = 1000,
         .size = 2 * GB,
         .minimum = GB,
         .free = GB,
         .is_migrating = true},
    };

    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        struct proxmox_guest guest = kinds[i];

        proxmox_decide(&guest, 1, -GB, 100 * MB);
        assert_true(guest.target == 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mom_grows_a_guest_that_needs_nothing),
        cmocka_unit_test(test_mom_takes_what_is_used_when_critical),
        cmocka_unit_test(test_mom_shrinks_all_alike),
        cmocka_unit_test(test_mom_reckons_with_the_mean_of_ten),
        cmocka_unit_test(test_proxmox_one_cycle),
        cmocka_unit_test(test_proxmox_until_it_rests),
        cmocka_unit_test(test_proxmox_shrinks_a_guest_in_need),
        cmocka_unit_test(test_proxmox_leaves_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
