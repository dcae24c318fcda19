/* Who is left alone, and what is said of each. */
#include "tests/lib/test.h"

#include <string.h>

#include "common/base/number.h"
#include "tests/unit/controller/arbiter/arbiter-world.h"

/* A host that is short; the first VM is the one that something stands against. */
static int set_up(void **state)
{
    world_begin(2);
    world.vms[0].cold = 1 * GIB;
    world_leave(2 * GIB - MIB);
    return 0;
}

static void assert_left_alone(enum arbiter_reason reason)
{
    world_step();
    assert_null(world_asked(0));
    assert_int_equal(world.memories[0].reason, reason);
    assert_int_equal(world_step_of(1), ARBITER_LEASE);
}

static void test_unassigned(void **state)
{
    world.vms[0].may_be_changed = false;
    assert_left_alone(ARBITER_UNASSIGNED);
}

static void test_halted(void **state)
{
    world.vms[0].is_halted = true;
    assert_left_alone(ARBITER_HALTED);
}

static void test_foreign(void **state)
{
    world.vms[0].is_foreign = true;
    assert_left_alone(ARBITER_FOREIGN);
}

static void test_unmeasured(void **state)
{
    world.vms[0].footprint = 0;
    assert_left_alone(ARBITER_UNMEASURED);
    world.vms[0].footprint = 4 * GIB;
    world.vms[0].ram = 0;
    world_step();
    assert_int_equal(world.memories[0].reason, ARBITER_UNMEASURED);
}

static void test_without_means(void **state)
{
    world.vms[0].means = 0;
    assert_left_alone(ARBITER_NO_MEANS);
}

static void test_starved(void **state)
{
    world.vms[0].is_starved = true;
    assert_left_alone(ARBITER_IN_NEED);
}

static void test_occupied(void **state)
{
    world.vms[0].is_occupied = true;
    assert_left_alone(ARBITER_OCCUPIED);
}

/* Nobody says what its guest has: nothing is taken. */
static void test_unheard(void **state)
{
    world.vms[0].source = ARBITER_UNHEARD;
    assert_left_alone(ARBITER_NO_MEANS);
}

static void test_by_statistics(void **state)
{
    world.vms[0].source = ARBITER_STATISTICS;
    world.vms[0].cold = 0;
    world.vms[0].means = ARBITER_CAN_LEASE;
    world_step();
    assert_int_equal(world_step_of(0), ARBITER_LEASE);
}

/* Its part is taken from the others. */
static void test_stalled(void **state)
{
    world.vms[0].cold = 0;
    world.vms[0].is_stalled = true;
    assert_left_alone(ARBITER_STALLED);
    world_run(50);
    assert_int_equal(world.host.available, 3 * GIB);
    world.vms[0].is_stalled = false; /* it is asked no more for a while */
    world_leave(512 * MIB);
    world_step();
    assert_null(world_asked(0));
}

/* A stall rests longer each time. */
static void test_stalled_again(void **state)
{
    world_begin(1);
    world.vms[0].is_stalled = true;
    world_leave(512 * MIB);
    world_step();
    assert_int_equal(world.memories[0].cool[ARBITER_LEASE] - world.host.now, 60 * NSEC_PER_SEC);
    world.host.now += 60 * NSEC_PER_SEC;
    world_step();
    assert_int_equal(world.memories[0].cool[ARBITER_LEASE] - world.host.now, 120 * NSEC_PER_SEC);
}

/* What a balloon does not bring counts as a stall, too. */
static void test_a_balloon_that_brings_nothing(void **state)
{
    world_begin(1);
    world_leave(512 * MIB);
    world_step();
    assert_int_equal(world_step_of(0), ARBITER_LEASE);
    world.vms[0].lease = world.vms[0].ram - world.requests[0].size;
    world.host.now += 60 * NSEC_PER_SEC;
    world_step();
    assert_int_equal(world.memories[0].reason, ARBITER_COOLS_DOWN);
    assert_int_equal(world.request_count, 0);
}

static void test_turned_often(void **state)
{
    world.vms[0].cold = 0;
    world.memories[0].past.direction = ARBITER_GAVE;
    for (size_t i = 0; i < ARBITER_CHANGES_MAX; i++)
        world.memories[0].past.changes[i] = world.host.now;
    assert_left_alone(ARBITER_TURNED_OFTEN);
}

/* ---- lines ---- */

static const char *line_of(size_t i)
{
    static char text[ARBITER_TEXT_SIZE];
    const struct arbiter_request *request = world_asked(i);
    const struct arbiter_memory *memory = &world.memories[i];

    if (request != NULL)
        return arbiter_text(request->step, request->reason, request->bytes, &request->figures,
                            text);
    return arbiter_text(ARBITER_NO_STEP, memory->reason, 0, &memory->figures, text);
}

static void test_lines(void **state)
{
    world.vms[0].cold = 128 * MIB;
    world_step();
    assert_string_equal(line_of(0), "takes 128.0 MiB of cache that was not used for long: the host "
                                    "has 2.0 GiB, less than 3.0 GiB");
    assert_non_null(strstr(line_of(1), "it holds 4.0 GiB and its share is 3."));
    world.vms[1].is_starved = true;
    world_step();
    assert_string_equal(line_of(1), "its guest is, or was, short of memory: it has 4.0 GiB");
    world_leave(8 * GIB);
    world.vms[1].is_starved = false;
    world.host.now += 700 * NSEC_PER_SEC;
    world_step();
    assert_string_equal(line_of(1), "the host has 8.0 GiB, more than 2.0 GiB");
}

/* A refused step rests as one does that brought little. */
static void test_line_of_a_rest(void **state)
{
    world_begin(1);
    world_leave(512 * MIB);
    world_step();
    assert_int_equal(world_step_of(0), ARBITER_LEASE);
    arbiter_note_refused(&world.memories[0], ARBITER_LEASE, world.host.now);
    world_step();
    assert_string_equal(line_of(0), "it rests after its last step; the next may come in 30s");
}

/* The policy may be gone, or be one that only observes. */
static void test_line_of_what_is_withdrawn(void **state)
{
    world.vms[0].lease = 1 * GIB;
    world.vms[0].may_be_changed = false;
    world_step();
    assert_string_equal(line_of(0), "gives 1.0 GiB back: it has no policy any more, or one that "
                                    "only observes");
}

/* Each fits one line, and none is empty or like another. */
static void test_every_reason_has_a_line(void **state)
{
    const struct arbiter_figures figures = {.available = UINT64_MAX,
                                            .mark = UINT64_MAX,
                                            .holds = UINT64_MAX,
                                            .share = UINT64_MAX,
                                            .working = UINT64_MAX,
                                            .floor = UINT64_MAX,
                                            .wait = 3600 * NSEC_PER_SEC};
    char text[ARBITER_TEXT_SIZE];

    for (int reason = 0; reason < ARBITER_REASON_COUNT; reason++) {
        assert_true(arbiter_reason_name((enum arbiter_reason)reason)[0] != '\0');
        for (int step = 0; step < ARBITER_STEP_COUNT; step++) {
            arbiter_text((enum arbiter_step)step, (enum arbiter_reason)reason, UINT64_MAX, &figures,
                         text);
            assert_in_range(strlen(text), 10, ARBITER_TEXT_SIZE - 2);
        }
        for (int other = 0; other < reason; other++)
            assert_string_not_equal(arbiter_reason_name((enum arbiter_reason)reason),
                                    arbiter_reason_name((enum arbiter_reason)other));
    }
    assert_string_equal(arbiter_state_name(ARBITER_CRITICAL), "critical");
    assert_string_equal(arbiter_step_name(ARBITER_GIVE_BACK), "give-back");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, world_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_unassigned),
        TEST(test_halted),
        TEST(test_foreign),
        TEST(test_unmeasured),
        TEST(test_without_means),
        TEST(test_starved),
        TEST(test_occupied),
        TEST(test_unheard),
        TEST(test_by_statistics),
        TEST(test_stalled),
        TEST(test_stalled_again),
        TEST(test_a_balloon_that_brings_nothing),
        TEST(test_turned_often),
        TEST(test_lines),
        TEST(test_line_of_a_rest),
        TEST(test_line_of_what_is_withdrawn),
        TEST(test_every_reason_has_a_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
