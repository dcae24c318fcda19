/* How often a VM is turned: its memory taken, given back, taken again. */
#include "tests/lib/test.h"

#include "common/base/number.h"
#include "tests/unit/controller/arbiter/arbiter-world.h"

#define HOUR   (3600 * NSEC_PER_SEC)
#define MINUTE (60 * NSEC_PER_SEC)

static struct arbiter_memory memory;
static nsec_t now;

static int set_up(void **state)
{
    memory = (struct arbiter_memory){.asked = ARBITER_NO_STEP};
    now = 10 * HOUR;
    return 0;
}

/* The last change was so long ago, those before a second earlier each. */
static void turned(enum arbiter_direction direction, unsigned changes, nsec_t ago)
{
    memory.past = (struct arbiter_past){.direction = direction, .moved = now - ago};
    for (unsigned i = 0; i < changes; i++)
        memory.past.changes[ARBITER_CHANGES_MAX - 1 - i] = now - ago - i * NSEC_PER_SEC;
}

static bool may(enum arbiter_direction direction)
{
    return memory_may_turn(&memory, direction, false, now);
}

static void test_the_same_way(void **state)
{
    assert_true(may(ARBITER_TOOK));
    assert_true(may(ARBITER_GAVE));
    turned(ARBITER_TOOK, 4, 0);
    assert_true(may(ARBITER_TOOK));
    turned(ARBITER_GAVE, 4, 0);
    assert_true(may(ARBITER_GAVE));
}

/* Each change waits four times as long as the one before, but not while the host is critical. */
static void test_the_wait_before_a_turn(void **state)
{
    const nsec_t waits[] = {30 * NSEC_PER_SEC, 2 * MINUTE, 8 * MINUTE};

    for (unsigned changes = 0; changes < 3; changes++) {
        turned(ARBITER_GAVE, changes, waits[changes] - 1);
        assert_false(may(ARBITER_TOOK));
        assert_true(memory_may_turn(&memory, ARBITER_TOOK, true, now));
        turned(ARBITER_GAVE, changes, waits[changes]);
        assert_true(may(ARBITER_TOOK));
    }
}

/* Taking leaves a change for the need of its guest, giving leaves another taking and its need. */
static void test_changes_of_an_hour(void **state)
{
    turned(ARBITER_GAVE, 2, 30 * MINUTE);
    assert_true(may(ARBITER_TOOK));
    turned(ARBITER_GAVE, 3, 30 * MINUTE);
    assert_false(may(ARBITER_TOOK));
    assert_false(memory_may_turn(&memory, ARBITER_TOOK, true, now));
    turned(ARBITER_TOOK, 1, 30 * MINUTE);
    assert_true(may(ARBITER_GAVE));
    turned(ARBITER_TOOK, 2, 30 * MINUTE);
    assert_false(may(ARBITER_GAVE));
}

/* The hour has no gap: a change counts until more than an hour has passed. */
static void test_the_hour(void **state)
{
    turned(ARBITER_GAVE, 3, 30 * MINUTE);
    memory.past.changes[1] = now - HOUR;
    assert_false(may(ARBITER_TOOK));
    memory.past.changes[1] = now - HOUR - 1;
    assert_true(may(ARBITER_TOOK));
}

/* A host that is short and has plenty in turns, and guests that are in need in between. */
static void test_four_an_hour_at_most(void **state)
{
    nsec_t changes[64] = {0};
    size_t count = 0;
    uint64_t lease = 0;
    int direction = 0;

    for (unsigned second = 0; second < 4 * 3600; second++) {
        unsigned phase = second / 300 % 2;
        int next;

        world_leave(phase == 0 ? 512 * MIB : 20 * GIB);
        world.vms[1].is_starved = second % 400 == 399;
        world_run(1);
        if (world.vms[1].lease == lease)
            continue;
        next = world.vms[1].lease > lease ? 1 : -1;
        lease = world.vms[1].lease;
        if (next != direction && direction != 0) {
            assert_true(count < ARRAY_SIZE(changes));
            changes[count++] = world.host.now;
            if (count > ARBITER_CHANGES_MAX)
                assert_true(world.host.now - changes[count - 1 - ARBITER_CHANGES_MAX] > HOUR);
        }
        direction = next;
        world.vms[1].footprint = world.vms[1].size; /* it uses what it gets */
    }
    assert_true(count >= 4);
}

/* Of an earlier daemon's lease nobody remembers when it was taken: it may not be turned at once. */
static void test_a_lease_of_earlier(void **state)
{
    world.vms[0].lease = 1 * GIB;
    world_step();
    assert_int_equal(world.memories[0].past.direction, ARBITER_TOOK);
    assert_int_equal(world.memories[0].past.moved, world.host.now);
    assert_int_equal(world.memories[0].spared, 0);
    assert_int_equal(world.memories[1].past.direction, ARBITER_NEVER_MOVED);
}

static void test_notes_of_another_step(void **state)
{
    world_begin(1);
    world_leave(2 * GIB - MIB);
    world_step();
    assert_int_equal(world_step_of(0), ARBITER_LEASE);
    arbiter_note_end(&world.memories[0], ARBITER_COMPACT, 0, world.host.now);
    assert_int_equal(world.memories[0].barren[ARBITER_COMPACT], 0);
    assert_true(world.memories[0].taken.bytes > 0);
    arbiter_note_end(&world.memories[0], ARBITER_LEASE, 0, world.host.now);
    assert_int_equal(world.memories[0].barren[ARBITER_LEASE], 1);
    assert_int_equal(world.memories[0].taken.bytes, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_set_up, world_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_the_same_way, set_up),
        cmocka_unit_test_setup(test_the_wait_before_a_turn, set_up),
        cmocka_unit_test_setup(test_changes_of_an_hour, set_up),
        cmocka_unit_test_setup(test_the_hour, set_up),
        TEST(test_four_an_hour_at_most),
        TEST(test_a_lease_of_earlier),
        TEST(test_notes_of_another_step),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
