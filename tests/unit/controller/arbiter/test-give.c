/* What is given back, to whom, and when. */
#include "tests/lib/test.h"

#include "common/base/number.h"
#include "tests/unit/controller/arbiter/arbiter-world.h"

#define STEP (4 * GIB / 20 / 4096 * 4096)

static uint64_t size_of(size_t i)
{
    return world.vms[i].ram - world.vms[i].lease;
}

/* All VMs are down to 2 GiB, the host has 3 GiB, and nothing happens. */
static int set_up(void **state)
{
    world_begin(3);
    for (size_t i = 0; i < 3; i++) {
        world.vms[i].size = world.vms[i].footprint = 2 * GIB;
        world.vms[i].lease = 2 * GIB;
    }
    world_leave(3 * GIB);
    world_run(60);
    assert_int_equal(world.request_count, 0);
    return 0;
}

/* ---- plenty ---- */

static void test_leases_are_kept_until_there_is_plenty(void **state)
{
    world_leave(3 * GIB + 512 * MIB - 1);
    world_run(60);
    assert_int_equal(world.arbiter.state, ARBITER_RESTING);
    assert_int_equal(world.memories[0].reason, ARBITER_HOLDS);
    world_leave(3 * GIB + 512 * MIB);
    for (int second = 0; second < 10; second++) {
        world_step();
        assert_int_equal(world.request_count, 0);
        world_follow();
    }
    world_step();
    assert_int_equal(world.arbiter.state, ARBITER_GIVING);
    assert_int_equal(world.request_count, 0); /* less than a step for each */
}

static void test_all_comes_back(void **state)
{
    world_leave(20 * GIB);
    world_run(11);
    assert_int_equal(world.request_count, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(world.requests[i].step, ARBITER_GIVE_BACK);
        assert_int_equal(world.requests[i].reason, ARBITER_PLENTY);
        assert_int_equal(world.requests[i].bytes, 2 * GIB);
        assert_int_equal(size_of(i), 4 * GIB);
    }
}

/* No more than there is beyond the watermark, and no byte twice. */
static void test_what_was_given_is_promised(void **state)
{
    uint64_t given = 0;

    world_leave(3 * GIB + 3 * STEP);
    for (int second = 0; second < 35; second++) {
        world_step();
        for (size_t i = 0; i < world.request_count; i++)
            given += world.requests[i].bytes;
        world_follow();
    }
    assert_int_equal(given, 3 * STEP); /* the guests do not use it, and the host still has it */
    world_run(20);
    assert_true(size_of(0) > 2 * GIB + STEP); /* the promise has ended */
}

/* Its footprint has grown: what it uses of the promise is not counted twice. */
static void test_a_promise_is_kept_by_growing(void **state)
{
    struct arbiter_view view;

    world_leave(20 * GIB);
    world_run(11);
    view = arbiter_look(&world.host, world.vms, world.count);
    assert_int_equal(view.promised, 6 * GIB);
    world.vms[0].footprint += 512 * MIB;
    view = arbiter_look(&world.host, world.vms, world.count);
    assert_int_equal(view.promised, 6 * GIB - 512 * MIB);
    world.host.now += 30 * NSEC_PER_SEC;
    view = arbiter_look(&world.host, world.vms, world.count);
    assert_int_equal(view.promised, 0);
}

/* Who was given memory is not taken from, as long as it is promised. */
static void test_a_promise_holds_against_taking(void **state)
{
    world_leave(20 * GIB);
    world_run(11);
    world.vms[1].cold = 1 * GIB;
    world_leave(2 * GIB - MIB);
    world_step();
    assert_int_equal(world.request_count, 0);
    assert_int_equal(world.memories[1].reason, ARBITER_PROMISED);
    world_leave(512 * MIB);
    world_step(); /* but a critical host asks for what is not used */
    assert_int_equal(world_step_of(1), ARBITER_RECLAIM);
}

static void test_giving_ends(void **state)
{
    world_leave(20 * GIB);
    world.vms[0].is_occupied = world.vms[1].is_occupied = world.vms[2].is_occupied = true;
    world_run(12);
    assert_int_equal(world.arbiter.state, ARBITER_GIVING);
    assert_int_equal(world.request_count, 0);
    world_leave(3 * GIB - 1);
    world_step();
    assert_int_equal(world.arbiter.state, ARBITER_RESTING);
}

static void test_no_plenty_while_the_host_stalls(void **state)
{
    world_leave(20 * GIB);
    world.host.psi_full = 1000;
    world_run(30);
    assert_int_equal(world.arbiter.state, ARBITER_RESTING);
    assert_int_equal(world.vms[0].lease, 2 * GIB);
}

static void test_the_neediest_first(void **state)
{
    world.vms[1].hot = 2 * GIB; /* it uses all that it has */
    world_leave(3 * GIB + 1 * GIB);
    world.vms[1].is_occupied = true;
    world_run(10);
    world.vms[1].is_occupied = false;
    world_step();
    assert_int_equal(world.arbiter.state, ARBITER_GIVING);
    assert_int_equal(world_asked(1)->reason, ARBITER_PLENTY);
    assert_true(world_asked(0) == NULL || world_asked(1)->bytes > 2 * world_asked(0)->bytes);
}

/* ---- in need ---- */

static void test_a_need_is_met_at_once(void **state)
{
    world_leave(1 * GIB + 2 * GIB);
    world.vms[1].is_starved = true;
    world.vms[1].is_occupied = true;
    world.memories[1].past.moved = world.host.now; /* whatever happened a moment ago */
    for (size_t i = 0; i < ARBITER_CHANGES_MAX; i++)
        world.memories[1].past.changes[i] = world.host.now;
    world_step();
    assert_int_equal(world.request_count, 1);
    assert_int_equal(world.requests[0].vm, 1);
    assert_int_equal(world.requests[0].reason, ARBITER_IN_NEED);
    assert_int_equal(world.requests[0].bytes, 2 * GIB);
    world_step(); /* not asked for again while it follows */
    assert_null(world_asked(1));
}

/* The host would be critical without it: it gets what is its own. */
static void test_a_need_of_a_host_without_memory(void **state)
{
    world_leave(1 * GIB + 2 * GIB - 1);
    world.vms[0].footprint = world.vms[0].size = 4 * GIB; /* somebody else has more */
    world.vms[0].lease = world.memories[0].lease = 0;
    world.vms[0].hot = 4 * GIB;
    world.vms[1].hot = 2 * GIB;
    world.vms[1].is_starved = true;
    world_step();
    assert_int_equal(world_asked(1)->size, 3 * GIB); /* the half of both */
}

/* For ten minutes nothing is taken from it. */
static void test_who_was_in_need_is_spared(void **state)
{
    world.vms[1].is_starved = true;
    world_run(1);
    world.vms[1].is_starved = false;
    world.vms[1].footprint = 4 * GIB;
    world.vms[1].cold = 2 * GIB;
    world_leave(2 * GIB - MIB);
    for (int second = 1; second < 600; second++) {
        world_step();
        assert_null(world_asked(1));
        world.host.now += NSEC_PER_SEC;
    }
    assert_int_equal(world.memories[1].reason, ARBITER_IN_NEED);
    world_step();
    assert_int_equal(world_step_of(1), ARBITER_RECLAIM);
}

/* The leases give back by themselves what a guest in need wants: that is seen, and is a need. */
static void test_a_lease_that_is_lost(void **state)
{
    world.vms[1].lease = 0;
    world.vms[1].size = 4 * GIB;
    world_step();
    assert_true(world.memories[1].spared > world.host.now);
    assert_int_equal(world.memories[1].past.direction, ARBITER_GAVE);
    assert_int_equal(arbiter_look(&world.host, world.vms, 3).promised, 2 * GIB);
    assert_int_equal(world.memories[0].spared, 0);
}

/* Nothing is given to a guest that does not want it: another's lease is its own affair. */
static void test_a_need_without_our_lease(void **state)
{
    world.vms[1].others = world.vms[1].lease;
    world.vms[1].lease = world.memories[1].lease = world.memories[1].lease_asked = 0;
    world.vms[1].is_starved = true;
    world_step();
    assert_int_equal(world.request_count, 0);
    assert_int_equal(world.memories[1].reason, ARBITER_IN_NEED);
}

/* ---- hungry ---- */

static void make_hungry(size_t i)
{
    world.vms[i].hot = 2 * GIB - 512 * MIB;
    world.vms[i].shares = 4000;
}

static void test_who_is_hungry_gets_its_own(void **state)
{
    make_hungry(1);
    world_step();
    assert_int_equal(world.request_count, 1);
    assert_int_equal(world.requests[0].vm, 1);
    assert_int_equal(world.requests[0].reason, ARBITER_HUNGRY);
    assert_int_equal(world.requests[0].bytes, STEP);
    world_follow();
    for (int second = 1; second < 40; second++) {
        world.host.available -= world.vms[1].size - world.vms[1].footprint;
        world.vms[1].footprint = world.vms[1].size; /* it uses what it gets */
        world.vms[1].hot = world.vms[1].size - 512 * MIB;
        world_run(1);
    }
    assert_true(size_of(1) > 2 * GIB + 2 * STEP);
    assert_true(size_of(0) < 2 * GIB); /* and who does not use what it has gives it */
}

static void test_who_has_its_share_is_not_hungry(void **state)
{
    make_hungry(1);
    world.vms[1].shares = 1000;
    world.vms[0].hot = world.vms[2].hot = 0;          /* they rest, and pay for it */
    world.vms[1].ceiling = 2 * GIB + 64 * MIB - 4096; /* less than a 32nd is not worth a move */
    world_step();
    assert_null(world_asked(1));
    world.vms[1].ceiling = 2 * GIB + 64 * MIB;
    world_step();
    assert_int_equal(world.requests[0].vm, 1);
}

static void test_hunger_and_what_the_host_has(void **state)
{
    make_hungry(1);
    world_leave(1 * GIB + 512 * MIB + STEP - 1);
    world.vms[0].is_occupied = world.vms[2].is_occupied = true; /* they give nothing now */
    world_step();
    assert_int_equal(world.request_count, 0);
    world_leave(1 * GIB + 512 * MIB + STEP);
    world_step();
    assert_int_equal(world.requests[0].reason, ARBITER_HUNGRY);
    world_leave(1 * GIB - 1);
    world.host.now += 10 * NSEC_PER_SEC;
    world_step();
    assert_null(world_asked(1));
}

static void test_hunger_waits_for_its_turn(void **state)
{
    make_hungry(1);
    world.memories[1].past.moved = world.host.now - 30 * NSEC_PER_SEC + 1;
    world_step();
    assert_int_equal(world.request_count, 0);
    world.host.now++;
    world_step();
    assert_int_equal(world.request_count, 1);
}

/* ---- the rest ---- */

static void test_a_policy_that_is_withdrawn(void **state)
{
    world.vms[1].may_be_changed = false;
    world_step();
    assert_int_equal(world.request_count, 1);
    assert_int_equal(world.requests[0].reason, ARBITER_WITHDRAWN);
    assert_int_equal(world.requests[0].size, 4 * GIB);
    world_begin(3);
    world.vms[1].lease = 1 * GIB;
    world.vms[1].is_halted = world.vms[1].is_starved = true; /* it is an operator's */
    world_step();
    assert_int_equal(world.request_count, 0);
}

static void test_leases_are_renewed(void **state)
{
    world.vms[1].lease_end = world.host.now + 300 * NSEC_PER_SEC + 1;
    world_step();
    assert_int_equal(world.request_count, 0);
    world.vms[1].lease_end--;
    world.vms[1].is_occupied = true;
    world_step();
    assert_int_equal(world.request_count, 0);
    world.vms[1].is_occupied = false;
    world_step();
    assert_int_equal(world.request_count, 1);
    assert_int_equal(world.requests[0].reason, ARBITER_RENEWED);
    assert_int_equal(world.requests[0].size, 2 * GIB);
    assert_int_equal(world.requests[0].step, ARBITER_LEASE);
    world.host.now += 10 * NSEC_PER_SEC - 1; /* again when it has not come about */
    world_step();
    assert_int_equal(world.request_count, 0);
    world.host.now++;
    world_step();
    assert_int_equal(world.request_count, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, world_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_leases_are_kept_until_there_is_plenty),
        TEST(test_all_comes_back),
        TEST(test_what_was_given_is_promised),
        TEST(test_a_promise_is_kept_by_growing),
        TEST(test_a_promise_holds_against_taking),
        TEST(test_giving_ends),
        TEST(test_no_plenty_while_the_host_stalls),
        TEST(test_the_neediest_first),
        TEST(test_a_need_is_met_at_once),
        TEST(test_a_need_of_a_host_without_memory),
        TEST(test_who_was_in_need_is_spared),
        TEST(test_a_lease_that_is_lost),
        TEST(test_a_need_without_our_lease),
        TEST(test_who_is_hungry_gets_its_own),
        TEST(test_who_has_its_share_is_not_hungry),
        TEST(test_hunger_and_what_the_host_has),
        TEST(test_hunger_waits_for_its_turn),
        TEST(test_a_policy_that_is_withdrawn),
        TEST(test_leases_are_renewed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
