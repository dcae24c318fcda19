/* A guest that lies about what it uses: what it gains, and who loses. */
#include "tests/lib/test.h"

#include "common/base/number.h"
#include "tests/sim/random.h"
#include "tests/unit/controller/arbiter/arbiter-world.h"

#define GUESTS 6
#define ROUNDS 40

enum lie { TRUTH, NONE_IDLE, ALL_IDLE };

static uint64_t size_of(size_t i)
{
    return world.vms[i].ram - world.vms[i].lease;
}

/* The first guest may lie; what the others use, say and are is the same each time. */
static void make(uint64_t seed, enum lie lie)
{
    struct random random;

    random_init(&random, seed);
    world_begin(GUESTS);
    for (size_t i = 0; i < GUESTS; i++) {
        struct arbiter_vm *vm = &world.vms[i];

        vm->shares = 500u << random_below(&random, 3);
        vm->in_use = 256 * MIB + random_below(&random, 512) * MIB;
        vm->hot = random_below(&random, 2048) * MIB;
        vm->floor = random_below(&random, 1024) * MIB;
        vm->headroom = 256 * MIB;
    }
    world_leave(random_below(&random, 2048) * MIB);
    if (lie == NONE_IDLE)
        world.vms[0].in_use = world.vms[0].ram;
    else if (lie == ALL_IDLE)
        world.vms[0].in_use = world.vms[0].hot = 0;
}

/* What each would get if all of it were used, or with the tax, of what they hold in the end. */
static void divide(uint32_t tax, uint64_t sizes[GUESTS])
{
    struct share_claim claims[GUESTS];
    struct share_result result;
    uint64_t budget = 0;

    for (size_t i = 0; i < GUESTS; i++) {
        const struct arbiter_vm *vm = &world.vms[i];

        claims[i] = (struct share_claim){.shares = vm->shares,
                                         .priority = vm->priority,
                                         .active = vm->in_use + vm->hot,
                                         .floor = vm->floor,
                                         .ceiling = vm->ram};
        budget += size_of(i);
    }
    shares_divide(claims, GUESTS, budget, tax, &result);
    for (size_t i = 0; i < GUESTS; i++)
        sizes[i] = claims[i].size;
}

/* It says that it uses all: it keeps what its shares pay for untaxed, and no more; the others keep
 * their floors, and what they use of their own share. */
static void test_none_idle(void **state)
{
    for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
        uint64_t taxed[GUESTS], untaxed[GUESTS];

        make(seed, NONE_IDLE);
        world_run(900);
        assert_true(world.host.available >= world.host.high);
        divide(SHARES_TAX, taxed);
        divide(SHARES_UNTAXED, untaxed);
        assert_true(size_of(0) <= taxed[0] + 64 * MIB);
        for (size_t i = 1; i < GUESTS; i++) {
            uint64_t own = min_of(untaxed[i], world.vms[i].in_use + world.vms[i].hot);

            assert_true(size_of(i) >= world.vms[i].floor);
            assert_true(size_of(i) + GUESTS * SHARES_PAGE >= own);
        }
    }
}

/* It says that it uses nothing: it gets no more than with the truth, and keeps its floor. */
static void test_all_idle(void **state)
{
    for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
        uint64_t honest;

        make(seed, TRUTH);
        world_run(900);
        honest = size_of(0);
        make(seed, ALL_IDLE);
        world_run(900);
        assert_true(size_of(0) <= honest + SHARES_PAGE);
        for (size_t i = 0; i < GUESTS; i++)
            assert_true(size_of(i) >= world.vms[i].floor);
    }
}

/* It is in need, again and again: it gets no more than its untaxed share while the host is short.
 */
static void test_always_in_need(void **state)
{
    for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
        make(seed, NONE_IDLE);
        for (unsigned second = 0; second < 900; second++) {
            world.vms[0].is_starved = second % 20 < 10;
            world_run(1);
            world.vms[0].footprint = world.vms[0].size;
        }
        for (size_t i = 1; i < GUESTS; i++)
            assert_true(size_of(i) >= world.vms[i].floor);
    }
}

/* Cold cache that is not there brings nothing, and soon nobody counts upon it. */
static void test_promises_of_cold_cache(void **state)
{
    unsigned asked = 0;

    world_begin(2);
    world.vms[0].cold = 4 * GIB;
    world.vms[0].means = ARBITER_CAN_RECLAIM;
    world_leave(2 * GIB - MIB);
    for (unsigned second = 0; second < 300; second++) {
        world_step();
        asked += world_step_of(0) == ARBITER_RECLAIM;
        for (size_t i = 0; i < world.request_count; i++)
            if (world.requests[i].vm == 0)
                world.requests[i--] = world.requests[--world.request_count];
        world_follow();
    }
    assert_true(world.host.available >= world.host.high);
    assert_in_range(asked, 1, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_none_idle, world_tear_down),
        cmocka_unit_test_teardown(test_all_idle, world_tear_down),
        cmocka_unit_test_teardown(test_always_in_need, world_tear_down),
        cmocka_unit_test_teardown(test_promises_of_cold_cache, world_tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
