/* The model of a host: what must hold of it, whoever acts on it. */
#include "tests/lib/test.h"

#include <math.h>

#include "tests/sim/host-load.h"

#define MIB_ HOST_MIB
#define GIB_ HOST_GIB

static struct host_guest guest_of(double ram)
{
    struct host_guest guest = {
        .ram = ram,
        .floor = ram / 4,
        .inflate = 200 * MIB_,
        .deflate = GIB_,
        .grow = 256 * MIB_,
        .has_agent = true,
        .has_balloon = true,
    };

    host_guest_boot(&guest, 256 * MIB_);
    return guest;
}

static struct host_model host_of(struct host_guest *guest, double total)
{
    return (struct host_model){.total = total, .guests = guest, .count = 1, .available = total};
}

static void run(struct host_model *host, unsigned seconds)
{
    for (unsigned i = 0; i < seconds; i++)
        host_model_step(host);
}

static bool is_about(double value, double expected)
{
    return fabs(value - expected) < 2 * MIB_;
}

static void test_a_balloon_has_its_speed(void **state)
{
    struct host_guest guest = guest_of(4 * GIB_);
    struct host_model host = host_of(&guest, 16 * GIB_);

    guest.target = 3 * GIB_;
    run(&host, 3);
    assert_true(is_about(host_guest_size(&guest), 4 * GIB_ - 600 * MIB_));
    run(&host, 3);
    assert_true(is_about(host_guest_size(&guest), 3 * GIB_));
    guest.target = 4 * GIB_;
    run(&host, 1);
    assert_true(is_about(host_guest_size(&guest), 4 * GIB_));
}

static void test_a_balloon_stands_still_where_nothing_is_left(void **state)
{
    struct host_guest guest = guest_of(GIB_);
    struct host_model host = host_of(&guest, 16 * GIB_);

    guest.target = 64 * MIB_;
    run(&host, 60);
    assert_true(is_about(host_guest_size(&guest), 256 * MIB_ + 51 * MIB_));
    assert_int_equal(guest.kills, 0);
}

/* vm0's and Proxmox's: a guest that needs what is in its balloon. */
static void test_a_held_balloon_kills_or_fights(void **state)
{
    for (unsigned deflates = 0; deflates < 2; deflates++) {
        struct host_guest guest = guest_of(GIB_);
        struct host_model host = host_of(&guest, 16 * GIB_);

        guest.deflates_on_oom = deflates == 1;
        guest.target = 400 * MIB_;
        run(&host, 10);
        guest.use_wanted = 700 * MIB_;
        run(&host, 20);
        assert_int_equal(guest.kills > 0, deflates == 0);
        assert_true(guest.stalled > 1);
    }
}

static void test_what_was_taken_is_read_again(void **state)
{
    struct host_guest guest = guest_of(2 * GIB_);
    struct host_model host = host_of(&guest, 16 * GIB_);

    guest.sets[0] = (struct host_set){.wanted = 500 * MIB_, .runs = true};
    run(&host, 90);
    assert_true(is_about(guest.sets[0].resident, 500 * MIB_) && guest.refaults < 1);
    guest.sets[0].runs = false;
    assert_true(host_guest_reclaim(&guest, host.now + HOST_RECENT - 2, GIB_) < 1);
    assert_true(
        is_about(host_guest_reclaim(&guest, host.now + HOST_RECENT + 1, 300 * MIB_), 300 * MIB_));
    guest.sets[0].runs = true;
    run(&host, 90);
    assert_true(is_about(guest.refaults, 300 * MIB_));
    assert_true(fabs(guest.stalled - 1.5) < 0.1);
}

/* A guest that is too small for its working set reads without end. */
static void test_a_guest_that_is_too_small_thrashes(void **state)
{
    struct host_guest guest = guest_of(2 * GIB_);
    struct host_model host = host_of(&guest, 16 * GIB_);
    double before;

    guest.sets[0] = (struct host_set){.wanted = GIB_, .runs = true};
    run(&host, 90);
    guest.target = 512 * MIB_;
    run(&host, 60);
    before = guest.stalled;
    run(&host, 60);
    assert_true(guest.stalled - before > 20 && guest.pressure > 0.3);
}

static void test_the_host_gets_what_is_reported_or_pulsed(void **state)
{
    struct host_guest guest = guest_of(4 * GIB_);
    struct host_model host = host_of(&guest, 16 * GIB_);

    guest.use_wanted = 3 * GIB_;
    run(&host, 20);
    guest.use_wanted = 256 * MIB_;
    run(&host, 60);
    assert_true(is_about(host_guest_footprint(&guest), 3 * GIB_));
    guest.reports = true;
    run(&host, 60);
    assert_true(host_guest_footprint(&guest) < 450 * MIB_ && guest.trapped > 50 * MIB_);
    host_guest_compact(&guest);
    assert_true(guest.trapped < 20 * MIB_);
    host_guest_pulse(&guest, 256 * MIB_);
    assert_true(is_about(host_guest_footprint(&guest), 256 * MIB_));
}

static void test_a_host_that_is_full_swaps(void **state)
{
    struct host_guest guest = guest_of(4 * GIB_);
    struct host_model host = host_of(&guest, 2 * GIB_);

    guest.use_wanted = 3 * GIB_;
    run(&host, 30);
    assert_true(host.available < 1 && guest.swapped > GIB_ && guest.stalled > 4);
    assert_true(host.swapped_in > 0);
}

static void test_a_restart_leaves_memory_with_the_host(void **state)
{
    struct host_guest guest = guest_of(4 * GIB_);
    struct host_model host = host_of(&guest, 16 * GIB_);

    guest.use_wanted = 3 * GIB_;
    guest.target = 3.5 * GIB_;
    run(&host, 30);
    host_guest_restart(&guest, host.now, 256 * MIB_);
    assert_true(is_about(host_guest_footprint(&guest), 3 * GIB_));
    assert_true(host_guest_size(&guest) == guest.ram && host_guest_adds_up(&guest));
}

/* Under random targets and all that goes wrong no memory is lost or made. */
static void test_random_days_add_up(void **state)
{
    for (uint64_t seed = 1; seed <= 4; seed++) {
        struct host_model host;
        struct host_load load;
        struct random random;

        random_init(&random, seed);
        host_load_init(&load, &host, seed, 12, &host_load_whole);
        for (unsigned second = 0; second < 20000; second++) {
            struct host_guest *guest = &host.guests[random_below(&random, host.count)];

            if (second % 30 == 0)
                guest->target = guest->ram * (0.3 + 0.7 * random_unit(&random));
            (void)host_load_step(&load, &host);
            host_model_step(&host);
            assert_true(host_guest_adds_up(guest));
            assert_true(host.available >= 0 && guest->swapped >= 0);
        }
        host_load_finish(&load, &host);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_balloon_has_its_speed),
        cmocka_unit_test(test_a_balloon_stands_still_where_nothing_is_left),
        cmocka_unit_test(test_a_held_balloon_kills_or_fights),
        cmocka_unit_test(test_what_was_taken_is_read_again),
        cmocka_unit_test(test_a_guest_that_is_too_small_thrashes),
        cmocka_unit_test(test_the_host_gets_what_is_reported_or_pulsed),
        cmocka_unit_test(test_a_host_that_is_full_swaps),
        cmocka_unit_test(test_a_restart_leaves_memory_with_the_host),
        cmocka_unit_test(test_random_days_add_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
