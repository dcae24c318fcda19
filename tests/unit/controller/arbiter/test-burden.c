/* Who bears what others cannot give. */
#include "tests/lib/test.h"

#include "common/base/number.h"
#include "tests/unit/controller/arbiter/arbiter-world.h"

static uint64_t size_of(size_t i)
{
    return world.vms[i].ram - world.vms[i].lease;
}

/* By its shares it would give most, and it uses all it has: the leases say so too. The others rest
 * and give instead. */
static void test_who_uses_all_is_made_up_for(void **state)
{
    world.leases_look = true;
    world.vms[0].shares = 100;
    world.vms[0].in_use = 3 * GIB + 512 * MIB;
    world_leave(512 * MIB);
    world_run(120);
    assert_true(world.host.available >= world.host.high);
    assert_true(size_of(0) >= world.vms[0].in_use + world.vms[0].headroom);
}

/* The leases would refuse to try it: nobody asks, and the others give at once. */
static void test_who_cannot_be_tried_is_believed(void **state)
{
    world.leases_look = true;
    world.vms[0].cannot_be_tried = true;
    world.vms[0].shares = 100;
    world.vms[0].in_use = 3 * GIB + 512 * MIB;
    world_leave(1 * GIB + 512 * MIB);
    for (int second = 0; second < 120; second++) {
        world_run(1);
        if (world_asked(0) != NULL)
            assert_true(world_asked(0)->size >= world.vms[0].in_use + world.vms[0].headroom);
    }
    assert_true(world.host.available >= world.host.high);
    assert_int_equal(world.memories[0].believed, 0);
}

/* ... but not what they use, as far as it is their own. */
static void test_what_is_used_and_own_is_not_taken_for_others(void **state)
{
    world.leases_look = true;
    world.vms[0].shares = 100;
    world.vms[0].in_use = 3 * GIB + 768 * MIB;
    world.vms[1].hot = world.vms[2].hot = 3 * GIB + 256 * MIB;
    world_leave(0);
    world_run(120);
    assert_int_equal(world.arbiter.state, ARBITER_CRITICAL);
    assert_int_equal(size_of(1), 3 * GIB + 768 * MIB);
    assert_int_equal(size_of(2), 3 * GIB + 768 * MIB);
}

/* It was in need a moment ago. While the host is critical it gives what it does not work with. */
static void test_a_guest_that_was_in_need_gives_what_it_does_not_use(void **state)
{
    for (size_t i = 1; i < 3; i++)
        world.vms[i].in_use = 4 * GIB;
    world.memories[0].spared = world.host.now + 600 * NSEC_PER_SEC;
    world_leave(0);
    world_run(20);
    assert_true(world.host.available >= world.host.critical);
    assert_true(size_of(0) >= world.vms[0].in_use + world.vms[0].hot);
}

/* ... and no more than others with its shares. */
static void test_a_guest_that_was_in_need_keeps_what_is_its_own(void **state)
{
    for (size_t i = 1; i < 3; i++)
        world.vms[i].in_use = 4 * GIB;
    world.vms[0].hot = 3 * GIB;
    world.memories[0].spared = world.host.now + 600 * NSEC_PER_SEC;
    world_leave(world.host.critical - 64 * MIB);
    world_step();
    world_follow();
    assert_int_equal(world.arbiter.state, ARBITER_CRITICAL);
    assert_true(size_of(0) < 4 * GIB);
    assert_true(size_of(0) >= (12 * GIB - 2 * GIB - 64 * MIB) / 3);
}

/* It works with more than its shares pay for, most of it cache. The host is critical, and others
 * have memory that they do not work with: its cache stays. */
static void test_hot_cache_is_not_taken_while_others_have_unused_memory(void **state)
{
    world.vms[0].shares = 100;
    world.vms[0].hot = 3 * GIB;
    world_leave(0);
    world_run(4);
    assert_true(world.host.available >= world.host.critical);
    assert_true(size_of(0) >= world.vms[0].in_use + world.vms[0].hot);
}

/* ... also as long as they are still giving. */
static void test_hot_cache_stays_while_others_are_giving(void **state)
{
    world.vms[0].shares = 100;
    world.vms[0].hot = 3 * GIB + 384 * MIB;
    world_leave(0);
    world_step();
    assert_null(world_asked(0));
    assert_int_equal(world.request_count, 2);
}

/* The first is to have more by its share, so that both others are to give more than is missing. The
 * second has it, and does not give it yet: what the third uses is not doubted. */
static void test_no_doubt_while_another_has_enough(void **state)
{
    world.vms[0].lease = world.vms[0].size = world.vms[0].footprint = 2 * GIB;
    world.vms[0].hot = 2 * GIB;
    world.vms[0].shares = 8000;
    world.vms[1].is_occupied = true;
    world.vms[2].hot = 3 * GIB + 512 * MIB;
    world.host.low = 3 * GIB - 64 * MIB;
    world_leave(3 * GIB - 64 * MIB - 1);
    for (int second = 0; second < 60; second++) {
        world_step();
        assert_null(world_asked(2));
        world.host.now += NSEC_PER_SEC;
    }
}

/* Nobody has such memory: as long as the host is not critical it is tried in small steps. */
static void test_hot_cache_goes_at_once_where_the_host_is_critical(void **state)
{
    for (size_t i = 0; i < 3; i++)
        world.vms[i].hot = 3 * GIB + 512 * MIB;
    world_leave(world.host.critical + 64 * MIB);
    world_run(5);
    for (size_t i = 0; i < 3; i++)
        assert_true(size_of(i) >= world.vms[i].in_use + world.vms[i].hot);
    world_leave(world.host.critical - 64 * MIB);
    world_step();
    assert_int_equal(world.request_count, 3);
}

/* The first has most that it does not work with, and its balloon is slow. A host that stays
 * critical does not wait for it alone. */
static void test_a_host_that_stays_critical_asks_all(void **state)
{
    world.vms[1].hot = world.vms[2].hot = 3 * GIB;
    world_leave(world.host.critical - 64 * MIB);
    world.host.high = world.host.critical + 256 * MIB;
    world.host.low = world.host.critical + 128 * MIB;
    world_step();
    assert_int_equal(world_step_of(0), ARBITER_LEASE);
    assert_int_equal(world_step_of(1), ARBITER_NO_STEP);
    for (unsigned second = 0; second < 10; second++) {
        world.host.now += NSEC_PER_SEC;
        world_leave(world.host.critical - 512 * MIB);
        world.vms[0].is_occupied = true;
        world_step();
    }
    assert_int_equal(world_step_of(1), ARBITER_LEASE);
    assert_int_equal(world_step_of(2), ARBITER_LEASE);
}

/* All that is missing was asked for, and does not come: for ten seconds it counts. */
static void test_a_host_that_stays_critical_does_not_wait_for_what_comes(void **state)
{
    world.vms[1].hot = world.vms[2].hot = 3 * GIB;
    world.host.high = world.host.critical + 256 * MIB;
    world.host.low = world.host.critical + 128 * MIB;
    world_leave(world.host.critical - 64 * MIB);
    world_step();
    assert_int_equal(world_step_of(0), ARBITER_LEASE);
    world.vms[0].is_occupied = true;
    for (unsigned second = 1; second < 10; second++) {
        world.host.now += NSEC_PER_SEC;
        world_step();
        assert_int_equal(world.request_count, 0);
    }
    world.host.now += NSEC_PER_SEC;
    world_step();
    assert_int_equal(world_step_of(0), ARBITER_NO_STEP);
    assert_int_equal(world_step_of(1), ARBITER_LEASE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_who_uses_all_is_made_up_for, world_set_up,
                                        world_tear_down),
        cmocka_unit_test_setup_teardown(test_who_cannot_be_tried_is_believed, world_set_up,
                                        world_tear_down),
        cmocka_unit_test_setup_teardown(test_what_is_used_and_own_is_not_taken_for_others,
                                        world_set_up, world_tear_down),
        cmocka_unit_test_setup_teardown(test_a_guest_that_was_in_need_gives_what_it_does_not_use,
                                        world_set_up, world_tear_down),
        cmocka_unit_test_setup_teardown(test_a_guest_that_was_in_need_keeps_what_is_its_own,
                                        world_set_up, world_tear_down),
        cmocka_unit_test_setup_teardown(test_hot_cache_is_not_taken_while_others_have_unused_memory,
                                        world_set_up, world_tear_down),
        cmocka_unit_test_setup_teardown(test_hot_cache_stays_while_others_are_giving, world_set_up,
                                        world_tear_down),
        cmocka_unit_test_setup_teardown(test_no_doubt_while_another_has_enough, world_set_up,
                                        world_tear_down),
        cmocka_unit_test_setup_teardown(test_hot_cache_goes_at_once_where_the_host_is_critical,
                                        world_set_up, world_tear_down),
        cmocka_unit_test_setup_teardown(test_a_host_that_stays_critical_asks_all, world_set_up,
                                        world_tear_down),
        cmocka_unit_test_setup_teardown(
            test_a_host_that_stays_critical_does_not_wait_for_what_comes, world_set_up,
            world_tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
