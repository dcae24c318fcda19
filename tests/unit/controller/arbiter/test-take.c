/* What is taken, from whom, and in which order. */
#include "tests/lib/test.h"

#include "common/base/number.h"
#include "tests/unit/controller/arbiter/arbiter-world.h"

static uint64_t size_of(size_t i)
{
    return world.vms[i].ram - world.vms[i].lease;
}

static void test_a_host_with_enough(void **state)
{
    world_run(30);
    assert_int_equal(world.request_count, 0);
    assert_int_equal(world.memories[0].reason, ARBITER_IS_FINE);
}

static void test_leases_reach_the_high_watermark(void **state)
{
    world_leave(2 * GIB - MIB);
    world_run(60);
    assert_int_equal(world.arbiter.state, ARBITER_RESTING);
    assert_int_equal(world.host.available, 3 * GIB);
    assert_true(size_of(0) - size_of(2) <= SHARES_PAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_host_with_enough, world_set_up, world_tear_down),
        cmocka_unit_test_setup_teardown(test_leases_reach_the_high_watermark, world_set_up,
                                        world_tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
