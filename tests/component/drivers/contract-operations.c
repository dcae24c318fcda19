/* Operations: each ends once, never too early, with what became of it. */
#include <errno.h>
#include <poll.h>

#include "tests/component/drivers/world.h"

#define MIB (UINT64_C(1) << 20)

static uint64_t value_of(enum driver_operation kind)
{
    return kind == DRIVER_SET_BALLOON ? 512 * MIB : 7;
}

/* Runs one of each that the driver has, and looks at how it ended. */
static void each_operation(struct world *world, struct probe *probe, nsec_t timeout,
                           void (*look)(const struct operation *operation))
{
    for (enum driver_operation kind = 0; kind < DRIVER_OPERATIONS; kind++) {
        struct operation operation = {0};

        if (!probe_can(probe, kind)) {
            print_message("%s cannot %s\n", peer_kind.driver, operation_names[kind]);
            continue;
        }
        probe_run(probe, &operation, kind, value_of(kind), timeout);
        world_turn(world, 10);
        assert_int_equal(operation.done, 1);
        assert_false(operation.was_in_call);
        look(&operation);
    }
}

static void is_done(const struct operation *operation)
{
    if (operation->status < 0)
        fail_msg("%s", operation->error.text);
    assert_int_equal(operation->status, 0);
}

static void test_each_ends_once(void **state)
{
    each_operation(*state, world_open_ready(*state, PEER_WORKS), LONG, is_done);
}

static void is_refused(const struct operation *operation)
{
    assert_true(operation->status == -EREMOTEIO || operation->status == 0);
    if (driver_operation_changes(operation->kind)) {
        assert_int_equal(operation->status, -EREMOTEIO);
        assert_int_equal(operation->outcome, DRIVER_OUTCOME_NOT_DONE);
    }
}

/* A refusal is an answer: the session lives. Facts may come without what was refused. */
static void test_each_may_be_refused(void **state)
{
    struct probe *probe = world_open_ready(*state, PEER_REFUSES);

    each_operation(*state, probe, LONG, is_refused);
    assert_int_equal(probe->failed, 0);
}

/* The peer has had ten turns to hear of it. */
static bool was_sent(const struct operation *operation)
{
    if (peer_kind.unanswered != NULL)
        return peer_kind.unanswered(operation->probe->world->peer) > operation->unanswered;
    return !peer_kind.asks_in_turn;
}

static void is_late(const struct operation *operation)
{
    assert_int_equal(operation->status, -ETIMEDOUT);
    if (driver_operation_changes(operation->kind))
        assert_int_equal(operation->outcome,
                         was_sent(operation) ? DRIVER_OUTCOME_UNKNOWN : DRIVER_OUTCOME_NOT_DONE);
}

/* It hangs: nobody waits longer than he said, and the session is not given up. */
static void test_each_has_a_deadline(void **state)
{
    struct probe *probe = world_open_ready(*state, PEER_DEAF);

    each_operation(*state, probe, SHORT, is_late);
    assert_int_equal(probe->failed, 0);
}

static void test_a_short_deadline_passes_before_a_long_one(void **state)
{
    struct probe *probe = world_open_ready(*state, PEER_DEAF);
    struct operation slow = {0};
    struct operation quick = {0};

    assert_int_equal(probe_read(probe, &slow, LONG), 0);
    probe_run(probe, &quick, DRIVER_READ_FACTS, 0, SHORT);
    assert_int_equal(quick.status, -ETIMEDOUT);
    assert_int_equal(slow.done, 0);
    probe_close(probe);
}

/* ---- late answers ---- */

static void release(struct world *world)
{
    if (peer_kind.release != NULL)
        peer_kind.release(world->peer);
}

static void test_a_late_answer_is_heard_and_dropped(void **state)
{
    struct world *world = *state;
    struct probe *probe = world_open_ready(world, PEER_LATE);
    struct operation operation = {0};
    nsec_t before;

    probe_run(probe, &operation, DRIVER_READ_FACTS, 0, SHORT);
    assert_int_equal(operation.status, -ETIMEDOUT);
    before = probe->driver->heard == NULL ? 0 : probe->driver->heard(probe->session);
    release(world);
    if (probe->driver->heard != NULL)
        world_run_until(world, probe->driver->heard(probe->session) > before);
    world_turn(world, 50);
    assert_int_equal(operation.done, 1);
    assert_int_equal(probe->failed, 0);
}

/* Deadline and answer have passed when we run again: the first of them counts. */
static void test_a_late_answer_on_a_busy_host(void **state)
{
    struct probe *probe = world_open_ready(*state, PEER_LATE);
    struct operation operation = {0};

    assert_int_equal(probe_read(probe, &operation, SHORT), 0);
    (void)poll(NULL, 0, 400);
    world_run_until(probe->world, operation.done == 1);
    assert_int_equal(operation.status, -ETIMEDOUT);
}

/* The late answer is not taken for the answer to what is asked now. */
static void test_a_late_answer_is_nobody_elses(void **state)
{
    struct world *world = *state;
    struct probe *probe = world_open_able(world, PEER_LATE, DRIVER_SET_BALLOON);
    struct operation set = {0};
    struct operation read = {0};

    probe_run(probe, &set, DRIVER_SET_BALLOON, 512 * MIB, SHORT);
    assert_int_equal(probe_read(probe, &read, LONG), 0);
    release(world);
    world_run_until(world, read.done == 1);
    assert_int_equal(read.status, 0);
    assert_string_equal(read.facts.name, probe->facts.name);
    assert_int_equal(set.done, 1);
}

/* It was told to, after all: whoever reads knows. */
static void test_what_timed_out_may_be_done(void **state)
{
    struct world *world = *state;
    struct probe *probe = world_open_able(world, PEER_LATE, DRIVER_SET_BALLOON);
    struct operation set = {0};
    struct operation read = {0};

    probe_run(probe, &set, DRIVER_SET_BALLOON, 512 * MIB, SHORT);
    assert_int_equal(set.outcome, DRIVER_OUTCOME_UNKNOWN);
    release(world);
    probe_run(probe, &read, DRIVER_READ_BALLOON, 0, LONG);
    assert_true(read.balloon_actual == 512 * MIB);
}

/* ---- what they do ---- */

static void test_the_balloon_is_set_and_read(void **state)
{
    struct probe *probe = world_open_able(*state, PEER_WORKS, DRIVER_SET_BALLOON);
    struct operation set = {0};
    struct operation read = {0};

    probe_run(probe, &set, DRIVER_SET_BALLOON, 300 * MIB, LONG);
    assert_int_equal(set.status, 0);
    assert_int_equal(set.outcome, DRIVER_OUTCOME_DONE);
    probe_run(probe, &read, DRIVER_READ_BALLOON, 0, LONG);
    assert_true(read.balloon_actual == 300 * MIB);
    assert_true(read.balloon_maximum == UINT64_C(1) << 30);
}

static void test_where_its_memory_lies(void **state)
{
    struct probe *probe = world_open_able(*state, PEER_WORKS, DRIVER_READ_MEMORY_MAP);
    struct operation read = {0};
    uint64_t end = 0;

    probe_run(probe, &read, DRIVER_READ_MEMORY_MAP, 0, LONG);
    is_done(&read);
    assert_true(read.memory_map.count > 0 && read.memory_map.count <= DRIVER_MEMORY_MAX);
    for (size_t i = 0; i < read.memory_map.count; i++) {
        const struct driver_memory_range *range = &read.memory_map.ranges[i];

        assert_true(range->guest_address >= end && range->size > 0);
        end = range->guest_address + range->size;
    }
}

static void test_no_balloon_takes_everything(void **state)
{
    struct probe *probe = world_open_able(*state, PEER_WORKS, DRIVER_SET_BALLOON);
    struct operation operation = {0};

    assert_int_equal(probe_start(probe, &operation, DRIVER_SET_BALLOON, 0, LONG), -ERANGE);
    assert_int_equal(probe_start(probe, &operation, DRIVER_SET_BALLOON, UINT64_MAX, LONG), -ERANGE);
}

static void test_statistics_without_a_guest_are_unknown(void **state)
{
    struct probe *probe = world_open_able(*state, PEER_WORKS, DRIVER_READ_STATISTICS);
    struct operation read = {0};

    probe_run(probe, &read, DRIVER_READ_STATISTICS, 0, LONG);
    assert_int_equal(read.status, 0);
    assert_true(read.statistics.updated >= 0);
    assert_true(read.statistics.free <= read.statistics.total ||
                read.statistics.free == UINT64_MAX);
}

/* Reading them does not switch them on: what is there is the owner's. */
static void test_reading_statistics_changes_nothing(void **state)
{
    struct probe *probe = world_open_able(*state, PEER_WORKS, DRIVER_READ_STATISTICS);
    struct operation read = {0};
    struct operation facts = {0};

    probe_run(probe, &read, DRIVER_READ_STATISTICS, 0, LONG);
    probe_run(probe, &facts, DRIVER_READ_FACTS, 0, LONG);
    assert_int_equal(facts.facts.statistics_interval, probe->facts.statistics_interval);
}

static void test_the_interval_is_set_and_put_back(void **state)
{
    static const uint32_t values[] = {7, 0};
    struct probe *probe = world_open_able(*state, PEER_WORKS, DRIVER_SET_STATISTICS_INTERVAL);

    for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
        struct operation set = {0};
        struct operation facts = {0};

        probe_run(probe, &set, DRIVER_SET_STATISTICS_INTERVAL, values[i], LONG);
        assert_int_equal(set.outcome, DRIVER_OUTCOME_DONE);
        probe_run(probe, &facts, DRIVER_READ_FACTS, 0, LONG);
        assert_int_equal(facts.facts.statistics_interval, values[i]);
    }
}

static void test_a_mark_is_set_and_removed(void **state)
{
    static const uint64_t values[] = {768 * MIB, 512 * MIB, 0};
    struct probe *probe = world_open_able(*state, PEER_WORKS, DRIVER_SET_MARK);

    assert_int_equal(probe->facts.mark, 0);
    for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
        struct operation set = {0};
        struct operation facts = {0};

        probe_run(probe, &set, DRIVER_SET_MARK, values[i], LONG);
        assert_int_equal(set.outcome, DRIVER_OUTCOME_DONE);
        probe_run(probe, &facts, DRIVER_READ_FACTS, 0, LONG);
        assert_int_equal(facts.facts.mark, values[i]);
        assert_string_equal(facts.facts.labels, probe->facts.labels);
    }
}

/* ---- many, and one from another's end ---- */

static void test_many_at_once(void **state)
{
    struct world *world = *state;
    struct probe *probe = world_open_ready(world, PEER_WORKS);
    struct operation operations[200] = {{0}};
    unsigned started = 0;

    for (size_t i = 0; i < ARRAY_SIZE(operations); i++) {
        int r = probe_read(probe, &operations[started], LONG);

        if (r == 0)
            started++;
        else
            assert_int_equal(r, -EBUSY);
    }
    assert_true(started >= 3);
    world_run_until(world, probe->open == 0);
    for (unsigned i = 0; i < started; i++) {
        assert_int_equal(operations[i].done, 1);
        /* No half facts for want of room. */
        if (operations[i].status == 0)
            assert_string_equal(operations[i].facts.uuid, probe->facts.uuid);
        else
            assert_int_equal(operations[i].status, -EBUSY);
    }
    assert_int_equal(probe->failed, 0);
    /* And then there is room again. */
    assert_int_equal(probe_read(probe, &operations[0], LONG), 0);
    world_run_until(world, operations[0].done == 1);
    is_done(&operations[0]);
}

static void start_other(struct operation *operation)
{
    assert_int_equal(probe_read(operation->probe, operation->other, LONG), 0);
}

static void test_one_from_the_end_of_another(void **state)
{
    struct world *world = *state;
    struct probe *probe = world_open_ready(world, PEER_WORKS);
    struct operation second = {0};
    struct operation first = {.then = start_other, .other = &second};

    assert_int_equal(probe_read(probe, &first, LONG), 0);
    world_run_until(world, second.done == 1);
    is_done(&second);
}

static void test_one_from_the_end_of_one_that_was_late(void **state)
{
    struct world *world = *state;
    struct probe *probe = world_open_ready(world, PEER_DEAF);
    struct operation second = {0};
    struct operation first = {.then = start_other, .other = &second};

    probe_run(probe, &first, DRIVER_READ_FACTS, 0, SHORT);
    world_turn(world, 20);
    assert_int_equal(second.done, 0);
    probe_close(probe);
}

/* ---- events ---- */

static void test_events(void **state)
{
    struct world *world = *state;
    struct probe *probe = world_open_ready(world, PEER_WORKS);

    if (peer_kind.events == 0)
        skip_because("tells no events");
    for (enum driver_event event = 0; event <= DRIVER_EVENT_CHANGED; event++) {
        if ((peer_kind.events & 1u << event) == 0)
            continue;
        peer_kind.cause(world->peer, event);
        world_run_until(world, probe->events[event] > 0);
    }
    assert_int_equal(probe->failed, 0);
}

static void test_no_events_for_who_has_closed(void **state)
{
    struct world *world = *state;
    struct probe *probe = world_open_ready(world, PEER_WORKS);

    if (peer_kind.events == 0)
        skip_because("tells no events");
    for (enum driver_event event = 0; event <= DRIVER_EVENT_CHANGED; event++)
        if ((peer_kind.events & 1u << event) != 0)
            peer_kind.cause(world->peer, event);
    probe_close(probe);
    world_turn(world, 50);
    assert_int_equal(probe->after_close, 0);
}

int contract_operations(void)
{
    const struct CMUnitTest tests[] = {
        contract(test_each_ends_once),
        contract(test_each_may_be_refused),
        contract(test_each_has_a_deadline),
        contract(test_a_short_deadline_passes_before_a_long_one),
        contract(test_a_late_answer_is_heard_and_dropped),
        contract(test_a_late_answer_on_a_busy_host),
        contract(test_a_late_answer_is_nobody_elses),
        contract(test_what_timed_out_may_be_done),
        contract(test_the_balloon_is_set_and_read),
        contract(test_where_its_memory_lies),
        contract(test_no_balloon_takes_everything),
        contract(test_statistics_without_a_guest_are_unknown),
        contract(test_reading_statistics_changes_nothing),
        contract(test_the_interval_is_set_and_put_back),
        contract(test_a_mark_is_set_and_removed),
        contract(test_many_at_once),
        contract(test_one_from_the_end_of_another),
        contract(test_one_from_the_end_of_one_that_was_late),
        contract(test_events),
        contract(test_no_events_for_who_has_closed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
