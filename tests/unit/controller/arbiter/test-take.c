/* What is taken, from whom, how much at a time, and in which order. */
#include "tests/lib/test.h"

#include "common/base/number.h"
#include "tests/unit/controller/arbiter/arbiter-world.h"

#define STEP (4 * GIB / 20 / 4096 * 4096) /* the most that one move of a lease changes */

static uint64_t size_of(size_t i)
{
    return world.vms[i].ram - world.vms[i].lease;
}

static uint64_t bytes_of(size_t i)
{
    return world_asked(i) == NULL ? 0 : world_asked(i)->bytes;
}

/* ---- watermarks ---- */

static void test_a_host_with_enough(void **state)
{
    world_leave(2 * GIB);
    world_run(30);
    assert_int_equal(world.arbiter.state, ARBITER_RESTING);
    assert_int_equal(world.request_count, 0);
    assert_int_equal(world.memories[0].reason, ARBITER_IS_FINE);
}

static void test_taken_under_low_until_high(void **state)
{
    world_leave(2 * GIB - MIB - 100);
    world_step();
    assert_int_equal(world.arbiter.state, ARBITER_TAKING);
    world_run(60);
    assert_int_equal(world.arbiter.state, ARBITER_RESTING);
    assert_in_range(world.host.available, 3 * GIB, 3 * GIB + 4095); /* exact to the page */
    assert_true(size_of(0) - size_of(2) <= SHARES_PAGE);
    world_leave(3 * GIB - 512 * MIB);
    world_run(10);
    assert_int_equal(world.host.available, 3 * GIB - 512 * MIB);
}

static void test_critical_is_left_at_critical(void **state)
{
    for (size_t i = 0; i < 3; i++)
        world.vms[i].means = 0;
    world_leave(1 * GIB - MIB);
    world_step();
    assert_int_equal(world.arbiter.state, ARBITER_CRITICAL);
    world_leave(1 * GIB);
    world_step();
    assert_int_equal(world.arbiter.state, ARBITER_TAKING);
}

/* A host that stalls is short before its free memory says so, but not beyond its high watermark. */
static void test_pressure_of_the_host(void **state)
{
    world_leave(2 * GIB + MIB);
    world.host.psi_some = 1999;
    world_step();
    assert_int_equal(world.arbiter.state, ARBITER_RESTING);
    world.host.psi_some = 2000;
    world_step();
    assert_int_equal(world.arbiter.state, ARBITER_TAKING);
    world_leave(2 * GIB - MIB);
    world.host.psi_full = 1000;
    world_step();
    assert_int_equal(world.arbiter.state, ARBITER_CRITICAL);
    world_leave(3 * GIB);
    world_step();
    assert_int_equal(world.arbiter.state, ARBITER_RESTING);
}

static void test_what_is_reserved_is_not_there(void **state)
{
    world_leave(4 * GIB);
    world.host.reserved = 2 * GIB + MIB;
    world_run(60);
    assert_int_equal(world.host.available, 5 * GIB + MIB);
}

/* ---- what hurts least ---- */

static void test_the_order(void **state)
{
    world.vms[0].cold = 512 * MIB;
    world.vms[1].trapped = 512 * MIB;
    world.vms[2].means = ARBITER_CAN_PULSE | ARBITER_CAN_LEASE;
    world.vms[2].free = 1 * GIB;
    world_leave(2 * GIB - MIB);
    world_step();
    assert_int_equal(world.request_count, 3);
    assert_int_equal(world.requests[0].step, ARBITER_RECLAIM);
    assert_int_equal(world.requests[0].bytes, STEP);
    assert_int_equal(world.requests[1].step, ARBITER_COMPACT);
    assert_int_equal(world.requests[1].bytes, 512 * MIB);
    assert_int_equal(world.requests[2].step, ARBITER_PULSE);
    assert_int_equal(world.requests[2].bytes, 768 * MIB); /* 256 MiB stay free */
}

/* One step covers it: nothing else is done. */
static void test_no_more_than_is_missing(void **state)
{
    world.vms[0].trapped = 2 * GIB;
    world.vms[1].trapped = 1 * GIB;
    world_leave(2 * GIB - MIB);
    world_step();
    assert_int_equal(world.request_count, 1);
    assert_int_equal(world_step_of(0), ARBITER_COMPACT);
    assert_int_equal(world.memories[2].reason, ARBITER_ON_ITS_WAY);
}

/* Memory in flight counts, until its time is over. */
static void test_what_is_on_its_way_counts(void **state)
{
    world.vms[0].trapped = 2 * GIB;
    world_leave(2 * GIB - MIB);
    for (int second = 0; second < 29; second++) {
        world_step(); /* nothing comes back */
        assert_int_equal(world.request_count, second == 0 ? 1 : 0);
        world.host.now += NSEC_PER_SEC;
    }
    world.host.now += 2 * NSEC_PER_SEC;
    world_step();
    assert_int_equal(world_step_of(0), ARBITER_LEASE);
    assert_int_equal(world_step_of(1), ARBITER_LEASE);
}

/* What has come is on its way no more, and what has not come in its time. */
static void test_what_has_come(void **state)
{
    world.vms[0].trapped = 2 * GIB;
    world_leave(2 * GIB - MIB);
    world_step();
    assert_int_equal(arbiter_look(&world.host, world.vms, 3).coming, 2 * GIB);
    world.vms[0].footprint -= 512 * MIB;
    assert_int_equal(arbiter_look(&world.host, world.vms, 3).coming, 2 * GIB - 512 * MIB);
    world.host.now += 30 * NSEC_PER_SEC;
    assert_int_equal(arbiter_look(&world.host, world.vms, 3).coming, 0);
}

/* A guest that is slow is not asked for the same again. */
static void test_what_is_on_its_way_is_not_asked_for_again(void **state)
{
    world_begin(1);
    world.vms[0].cold = 3 * GIB;
    world.vms[0].means = ARBITER_CAN_RECLAIM;
    world_leave(1 * GIB);
    for (int second = 0; second < 19; second++) {
        world_step();
        assert_int_equal(world.request_count, second == 0 ? 1 : 0);
        world.host.now += NSEC_PER_SEC;
    }
}

/* The hungry guest is to have more by its share, so the two others are to give more than is
 * missing; what is missing, one of them gives. */
static void begin_with_a_hungry_guest(void)
{
    world.vms[0].lease = world.vms[0].size = world.vms[0].footprint = 2 * GIB;
    world.vms[0].hot = 2 * GIB;
    world.vms[0].shares = 8000;
    world.host.low = 3 * GIB - 64 * MIB;
    world_leave(3 * GIB - 64 * MIB - 1);
}

static void test_no_lease_more_than_is_missing(void **state)
{
    begin_with_a_hungry_guest();
    world.vms[2].footprint -= 512 * MIB;
    world_step();
    assert_int_equal(world_step_of(1), ARBITER_LEASE);
    assert_null(world_asked(2));
}

/* Its hot cache is more than its share, but the other has enough that it does not use. */
static void test_no_hot_cache_while_others_have_enough(void **state)
{
    begin_with_a_hungry_guest();
    world.vms[2].hot = 3 * GIB;
    world.host.critical = 3 * GIB - 128 * MIB;
    world_leave(3 * GIB - 128 * MIB - 1);
    world_step();
    assert_int_equal(world.arbiter.state, ARBITER_CRITICAL);
    assert_int_equal(world_step_of(1), ARBITER_LEASE);
    assert_null(world_asked(2));
}

/* Who uses all it has is asked when what the others do not use does not suffice: at once where the
 * host is critical, else after a while. */
static void test_hot_cache_comes_last(void **state)
{
    world_begin(2);
    world.vms[0].hot = 3 * GIB;
    world.vms[0].shares = 100;
    world.vms[1].hot = 3 * GIB;
    world_leave(2 * GIB - MIB);
    for (int second = 0; second < 30; second++) {
        world_step();
        assert_true(world_asked(0) == NULL || world_asked(0)->size >= 3 * GIB + 640 * MIB);
        world_follow();
    }
    world_run(60);
    assert_true(size_of(0) < 3 * GIB + 512 * MIB);
    world_begin(2);
    world.vms[0].hot = world.vms[1].hot = 3 * GIB;
    world_leave(0);
    world_run(2);
    assert_true(size_of(0) < 3 * GIB + 512 * MIB);
}

/* What a floor promises and its guest does not hold yet is not taken from the others. */
static void test_a_floor_that_is_not_used_yet(void **state)
{
    world.vms[0].floor = 4 * GIB;
    world.vms[0].footprint = 1 * GIB;
    world_leave(2 * GIB);
    world.host.low = 2 * GIB + MIB;
    world_step();
    assert_int_equal(world.memories[1].figures.share, 3 * GIB + 512 * MIB);
    assert_int_equal(world.arbiter.missing, 0);
}

static void test_least_gains(void **state)
{
    world.vms[0].cold = 16 * MIB - 1;
    world.vms[1].trapped = 32 * MIB - 1;
    world.vms[2].means |= ARBITER_CAN_PULSE;
    world.vms[2].free = 320 * MIB - 1;
    world_leave(2 * GIB - MIB);
    world_step();
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(world_step_of(i), ARBITER_LEASE);
}

/* Cache is left above the floor. */
static void test_cold_cache_and_the_floor(void **state)
{
    world.vms[0].cold = 2 * GIB;
    world.vms[0].floor = 4 * GIB - 128 * MIB;
    world_leave(2 * GIB - MIB);
    world_step();
    assert_int_equal(bytes_of(0), 128 * MIB);
}

/* Where nothing comes back by itself cold cache is freed for a pulse, and is not counted before. */
static void test_cold_cache_for_a_pulse(void **state)
{
    world_begin(2);
    world.vms[0].means = ARBITER_CAN_FREE | ARBITER_CAN_PULSE;
    world.vms[0].cold = 2 * GIB;
    world.vms[0].free = 320 * MIB - 1; /* a pulse would not be worth it yet */
    world_leave(2 * GIB - MIB);
    world_step();
    assert_int_equal(world_step_of(0), ARBITER_RECLAIM);
    assert_int_equal(bytes_of(0), STEP);
    assert_int_equal(world_step_of(1), ARBITER_LEASE);
    assert_int_equal(arbiter_look(&world.host, world.vms, 2).coming, bytes_of(1));
    world.vms[0].cold -= STEP;
    world.vms[0].free += STEP;
    world.host.now += 5 * NSEC_PER_SEC;
    world_step();
    assert_int_equal(world_step_of(0), ARBITER_PULSE);
    world.vms[0].means = ARBITER_CAN_FREE; /* but for a pulse only */
    world.vms[0].free = 0;
    world.host.now += 200 * NSEC_PER_SEC;
    world_step();
    assert_null(world_asked(0));
}

static void test_two_pulses_at_a_time(void **state)
{
    for (size_t i = 0; i < 3; i++) {
        world.vms[i].means = ARBITER_CAN_PULSE;
        world.vms[i].free = 1 * GIB;
    }
    world_leave(256 * MIB); /* critical: cool-downs are skipped */
    for (int second = 0; second < 3; second++) {
        world_step();
        assert_int_equal(world.request_count, second == 0 ? 2 : 0);
        world.host.now += NSEC_PER_SEC;
    }
}

/* ---- cool-downs ---- */

static void test_steps_rest(void **state)
{
    world.vms[0].cold = 4 * GIB;
    world.vms[0].means = ARBITER_CAN_RECLAIM;
    world_begin(1);
    world.vms[0].cold = 3 * GIB;
    world.vms[0].means = ARBITER_CAN_RECLAIM;
    world_leave(1 * GIB);
    world_step();
    assert_int_equal(world_step_of(0), ARBITER_RECLAIM);
    world_follow();
    world_run(4);
    assert_int_equal(world.request_count, 0);
    world_run(1);
    assert_int_equal(world_step_of(0), ARBITER_RECLAIM);
    world_leave(512 * MIB); /* critical: no rest, and larger steps */
    world_step();
    assert_int_equal(world_step_of(0), ARBITER_RECLAIM);
    assert_int_equal(bytes_of(0), 4 * STEP);
}

/* What brought little rests, longer each time, under a critical host as well. */
static void test_what_brings_little(void **state)
{
    nsec_t rests[] = {60, 120, 240, 480, 960, 1920, 3600, 3600};

    world_begin(1);
    world.vms[0].means = ARBITER_CAN_RECLAIM;
    world.vms[0].cold = 1 * GIB;
    world_leave(512 * MIB);
    for (size_t i = 0; i < ARRAY_SIZE(rests); i++) {
        world_step();
        assert_int_equal(world_step_of(0), ARBITER_RECLAIM);
        arbiter_note_end(&world.memories[0], ARBITER_RECLAIM, bytes_of(0) / 2 - 1, world.host.now);
        world.host.now += rests[i] * NSEC_PER_SEC - 1;
        world_step();
        assert_int_equal(world.request_count, 0);
        assert_int_equal(world.memories[0].reason, ARBITER_NO_MEANS);
        world.host.now += 1;
    }
    world_step();
    arbiter_note_end(&world.memories[0], ARBITER_RECLAIM, bytes_of(0), world.host.now);
    world_step();
    assert_int_equal(world_step_of(0), ARBITER_RECLAIM);
}

static void test_what_is_refused_rests(void **state)
{
    world_begin(1);
    world_leave(512 * MIB);
    world_step();
    assert_int_equal(world_step_of(0), ARBITER_LEASE);
    arbiter_note_refused(&world.memories[0], ARBITER_LEASE, world.host.now);
    world.host.now += 30 * NSEC_PER_SEC - 1;
    world_step();
    assert_int_equal(world.request_count, 0);
    assert_int_equal(world.memories[0].reason, ARBITER_COOLS_DOWN);
    world.host.now += 1;
    world_step();
    assert_int_equal(world_step_of(0), ARBITER_LEASE);
}

/* ---- leases ---- */

static void test_the_pace_of_a_lease(void **state)
{
    world_leave(1 * GIB);
    world_step();
    assert_int_equal(world.request_count, 3);
    assert_int_equal(world_asked(0)->size, 4 * GIB - STEP);
    assert_int_equal(world_asked(0)->bytes, STEP);
    world_follow();
    world_step();
    assert_int_equal(world.request_count, 0);
    world.host.now += NSEC_PER_SEC;
    world_step();
    assert_int_equal(world.request_count, 3);
    assert_int_equal(world_asked(0)->size, 4 * GIB - 2 * STEP);
}

/* What a guest never touched is not on the host: the first step is below what is. */
static void test_the_first_step_brings_something(void **state)
{
    for (size_t i = 0; i < 3; i++)
        world.vms[i].footprint = 3 * GIB;
    world_leave(1 * GIB);
    world_step();
    assert_int_equal(world_step_of(0), ARBITER_LEASE);
    assert_int_equal(bytes_of(0), STEP);
    assert_int_equal(world_asked(0)->size, 3 * GIB - STEP + FACTS_SPARE_MAX);
}

static void test_larger_steps_and_no_rest_while_critical(void **state)
{
    world_leave(256 * MIB);
    world_step();
    assert_int_equal(world_asked(0)->size, 4 * GIB - 4 * STEP);
    world_follow();
    world_leave(256 * MIB);
    world_step();
    assert_int_equal(world_step_of(0), ARBITER_LEASE);
}

/* A small VM gives 64 MiB at a time. */
static void test_the_smallest_step(void **state)
{
    world_begin(1);
    world.vms[0].ram = world.vms[0].size = world.vms[0].footprint = 1 * GIB;
    world.vms[0].in_use = world.vms[0].hot = 64 * MIB;
    world_leave(2 * GIB - MIB);
    world_step();
    assert_int_equal(bytes_of(0), 64 * MIB);
}

static void test_floors(void **state)
{
    world.vms[0].floor = 3 * GIB + 512 * MIB;
    world.vms[1].floor = 2 * GIB;
    for (size_t i = 0; i < 3; i++)
        world.vms[i].in_use = world.vms[i].hot = 16 * MIB;
    world.leases_look = true;
    world_leave(0);
    world.host.critical = 30 * GIB; /* it never has enough */
    world.host.low = 31 * GIB;
    world.host.high = 32 * GIB;
    world_run(200);
    assert_int_equal(size_of(0), 3 * GIB + 512 * MIB);
    assert_int_equal(size_of(1), 2 * GIB);
    assert_int_equal(size_of(2), world.vms[2].in_use + world.vms[2].headroom);
    assert_true(world.arbiter.missing > 0);
    assert_int_equal(world.memories[0].reason, ARBITER_AT_FLOOR);
    world.vms[2].headroom = world.vms[2].in_use = 0;
    world_run(20);
    assert_int_equal(size_of(2), 64 * MIB); /* no guest lives with less */
}

/* What a guest cannot let go and its headroom stay, while others can give. */
static void test_what_a_guest_needs(void **state)
{
    world.vms[0].in_use = 3 * GIB;
    world_leave(2 * GIB - MIB);
    world_run(60);
    assert_true(world.host.available >= 3 * GIB);
    assert_true(size_of(0) >= 3 * GIB + 256 * MIB);
}

static void test_shares_and_the_tax(void **state)
{
    world.vms[0].hot = 4 * GIB; /* uses all it has */
    world.vms[1].hot = 0;
    world.vms[1].in_use = 0;
    world.vms[2].hot = 4 * GIB;
    world.vms[2].shares = 2000;
    world_leave(2 * GIB - MIB);
    world_run(30);
    assert_int_equal(size_of(0), 4 * GIB);
    assert_int_equal(size_of(1), 3 * GIB - MIB); /* a page costs it four times as much */
    assert_int_equal(size_of(2), 4 * GIB);
}

static void test_a_lower_priority_gives_first(void **state)
{
    for (size_t i = 0; i < 3; i++)
        world.vms[i].hot = 2 * GIB;
    world.vms[1].priority = 4;
    world_leave(2 * GIB - MIB);
    world_run(60);
    assert_int_equal(world.host.available, 3 * GIB);
    assert_int_equal(size_of(0), 4 * GIB);
    assert_int_equal(size_of(2), 4 * GIB);
}

/* Above its ceiling a VM gives before the others do. */
static void test_a_ceiling(void **state)
{
    for (size_t i = 0; i < 3; i++)
        world.vms[i].hot = 4 * GIB;
    world.vms[0].ceiling = 2 * GIB;
    world_leave(2 * GIB - MIB);
    world_run(60);
    assert_int_equal(size_of(0), 3 * GIB - MIB);
    assert_int_equal(size_of(1), 4 * GIB);
}

/* ---- who says that it uses more than its share ---- */

static void use_all(void)
{
    for (size_t i = 0; i < 3; i++)
        world.vms[i].in_use = 4 * GIB;
}

static void test_doubt_comes_last(void **state)
{
    use_all();
    world_leave(2 * GIB - MIB);
    for (int second = 0; second < 30; second++) {
        world_step();
        assert_int_equal(world.request_count, 0);
        world_follow();
    }
    for (int move = 0; move < 3; move++) { /* one of them, and the next */
        world_step();
        assert_int_equal(world.request_count, 1);
        assert_int_equal(world.requests[0].reason, ARBITER_DOUBTED);
        assert_int_equal(world.requests[0].bytes, 64 * MIB);
        world_follow();
    }
    for (int second = 3; second < 10; second++) { /* each only every ten seconds */
        world_step();
        assert_int_equal(world.request_count, 0);
        world_follow();
    }
    world_step();
    assert_int_equal(world.request_count, 1);
}

static void test_doubt_of_a_critical_host(void **state)
{
    use_all();
    world_leave(256 * MIB);
    world_step();
    assert_int_equal(world.request_count, 3);
    assert_int_equal(bytes_of(2), 64 * MIB);
}

/* While what the others do not need suffices, nobody is doubted. */
static void test_no_doubt_while_others_have_enough(void **state)
{
    world.vms[0].in_use = 4 * GIB;
    world_leave(512 * MIB);
    world_step();
    assert_null(world_asked(0));
    assert_int_equal(world_step_of(1), ARBITER_LEASE);
}

/* The leases have looked, and refuse: it is believed, and not tried again at once. */
static void test_who_is_believed(void **state)
{
    use_all();
    world.leases_look = true;
    world_leave(256 * MIB);
    world_step();
    assert_int_equal(world.request_count, 3);
    world_follow();
    for (int second = 1; second < 300; second++) {
        world_step();
        assert_int_equal(world.request_count, 0);
        world_follow();
    }
    world_step();
    assert_int_equal(world.request_count, 3);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_set_up, world_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_host_with_enough),
        TEST(test_taken_under_low_until_high),
        TEST(test_critical_is_left_at_critical),
        TEST(test_pressure_of_the_host),
        TEST(test_what_is_reserved_is_not_there),
        TEST(test_the_order),
        TEST(test_no_more_than_is_missing),
        TEST(test_what_is_on_its_way_counts),
        TEST(test_what_has_come),
        TEST(test_what_is_on_its_way_is_not_asked_for_again),
        TEST(test_no_lease_more_than_is_missing),
        TEST(test_no_hot_cache_while_others_have_enough),
        TEST(test_hot_cache_comes_last),
        TEST(test_a_floor_that_is_not_used_yet),
        TEST(test_least_gains),
        TEST(test_cold_cache_and_the_floor),
        TEST(test_cold_cache_for_a_pulse),
        TEST(test_two_pulses_at_a_time),
        TEST(test_steps_rest),
        TEST(test_what_brings_little),
        TEST(test_what_is_refused_rests),
        TEST(test_the_pace_of_a_lease),
        TEST(test_the_first_step_brings_something),
        TEST(test_larger_steps_and_no_rest_while_critical),
        TEST(test_the_smallest_step),
        TEST(test_floors),
        TEST(test_what_a_guest_needs),
        TEST(test_shares_and_the_tax),
        TEST(test_a_lower_priority_gives_first),
        TEST(test_a_ceiling),
        TEST(test_doubt_comes_last),
        TEST(test_doubt_of_a_critical_host),
        TEST(test_no_doubt_while_others_have_enough),
        TEST(test_who_is_believed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
