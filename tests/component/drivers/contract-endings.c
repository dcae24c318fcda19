/* How a session ends: by its owner, or in the middle of everything. */
#include <errno.h>

#include "tests/component/drivers/world.h"

#define MIB (UINT64_C(1) << 20)

static void test_closing_ends_what_is_pending(void **state)
{
    struct probe *probe = world_open_ready(*state, PEER_DEAF);
    struct operation operations[3] = {{0}};

    for (size_t i = 0; i < ARRAY_SIZE(operations); i++)
        assert_int_equal(probe_read(probe, &operations[i], LONG), 0);
    world_turn(*state, 20);
    probe_close(probe);
    for (size_t i = 0; i < ARRAY_SIZE(operations); i++) {
        assert_int_equal(operations[i].done, 1);
        assert_int_equal(operations[i].status, -ECANCELED);
    }
    assert_int_equal(probe->failed, 0);
}

static void test_closing_in_the_call_s_own_turn(void **state)
{
    struct probe *probe = world_open_ready(*state, PEER_WORKS);
    struct operation operation = {0};

    assert_int_equal(probe_read(probe, &operation, LONG), 0);
    probe_close(probe);
    assert_int_equal(operation.done, 1);
    assert_int_equal(operation.status, -ECANCELED);
}

static void start_in_vain(struct operation *operation)
{
    assert_int_equal(probe_read(operation->probe, operation->other, LONG), -ENOTCONN);
}

static void close_and_start(struct world *world, enum peer_fault fault, unsigned turns)
{
    struct probe *probe = world_open_ready(world, fault);
    struct operation other = {0};
    struct operation operation = {.then = start_in_vain, .other = &other};

    assert_int_equal(probe_read(probe, &operation, LONG), 0);
    world_turn(world, turns);
    probe_close(probe);
    assert_int_equal(operation.done, 1);
    assert_int_equal(other.done, 0);
}

static void test_nothing_starts_while_it_closes(void **state)
{
    close_and_start(*state, PEER_WORKS, 0);
}

static void test_nothing_starts_while_it_closes_in_the_middle(void **state)
{
    close_and_start(*state, PEER_DEAF, 20);
}

/* What was sent before may be done: nobody may say that it is not. */
static void test_closing_leaves_a_command_unknown(void **state)
{
    struct probe *probe = world_open_able(*state, PEER_DEAF, DRIVER_SET_BALLOON);
    struct operation operation = {0};

    assert_int_equal(probe_start(probe, &operation, DRIVER_SET_BALLOON, 512 * MIB, LONG), 0);
    world_turn(*state, 20);
    probe_close(probe);
    /* A driver may have limits of its own. */
    assert_true(operation.status == -ECANCELED || operation.status == -ETIMEDOUT);
    assert_int_equal(operation.outcome, DRIVER_OUTCOME_UNKNOWN);
}

static void close_it(struct operation *operation)
{
    probe_close(operation->probe);
}

static void test_closed_in_a_completion(void **state)
{
    struct world *world = *state;
    struct probe *probe = world_open_ready(world, PEER_WORKS);
    struct operation last = {0};
    struct operation first = {.then = close_it};

    assert_int_equal(probe_read(probe, &first, LONG), 0);
    assert_int_equal(probe_read(probe, &last, LONG), 0);
    world_run_until(world, first.done == 1);
    world_turn(world, 20);
    assert_null(probe->session);
    assert_int_equal(last.done, 1);
}

static void test_closed_in_a_completion_that_is_late(void **state)
{
    struct world *world = *state;
    struct probe *probe = world_open_ready(world, PEER_DEAF);
    struct operation last = {0};
    struct operation first = {.then = close_it};

    assert_int_equal(probe_read(probe, &first, SHORT), 0);
    assert_int_equal(probe_read(probe, &last, SHORT), 0);
    world_run_until(world, last.done == 1);
    world_turn(world, 20);
    assert_null(probe->session);
    assert_int_equal(first.status, -ETIMEDOUT);
    assert_true(last.status == -ECANCELED || last.status == -ETIMEDOUT);
}

/* ---- the hypervisor ends it ---- */

static void test_it_ends_in_the_middle_of_a_question(void **state)
{
    struct world *world = *state;
    struct probe *probe = world_open_ready(world, PEER_CLOSES);
    struct operation operations[3] = {{0}};

    for (size_t i = 0; i < ARRAY_SIZE(operations); i++)
        assert_int_equal(probe_read(probe, &operations[i], LONG), 0);
    world_run_until(world, probe->failed > 0);
    world_turn(world, 20);
    assert_int_equal(probe->failed, 1);
    for (size_t i = 0; i < ARRAY_SIZE(operations); i++) {
        assert_int_equal(operations[i].done, 1);
        assert_true(operations[i].status < 0);
        assert_int_not_equal(operations[i].status, -ETIMEDOUT);
        assert_false(operations[i].was_failed);
    }
}

static void test_it_ends_in_the_middle_of_a_command(void **state)
{
    struct world *world = *state;
    struct probe *probe = world_open_able(world, PEER_CLOSES, DRIVER_SET_BALLOON);
    struct operation operation = {0};

    assert_int_equal(probe_start(probe, &operation, DRIVER_SET_BALLOON, 512 * MIB, LONG), 0);
    world_run_until(world, probe->failed == 1);
    assert_int_equal(operation.done, 1);
    assert_true(operation.status < 0);
    assert_int_equal(operation.outcome, DRIVER_OUTCOME_UNKNOWN);
}

static void test_closed_by_the_end_of_a_pending_operation(void **state)
{
    struct world *world = *state;
    struct probe *probe = world_open_ready(world, PEER_CLOSES);
    struct operation operation = {.then = close_it};

    assert_int_equal(probe_read(probe, &operation, LONG), 0);
    world_run_until(world, operation.done == 1);
    world_turn(world, 20);
    assert_int_equal(probe->failed, 0); /* it was closed before it could be told */
}

static void test_it_answers_with_garbage(void **state)
{
    struct world *world = *state;
    struct probe *probe = world_open_ready(world, PEER_GARBLES);
    struct operation operation = {0};

    assert_int_equal(probe_read(probe, &operation, LONG), 0);
    world_run_until(world, operation.done == 1);
    assert_true(operation.status < 0);
    assert_int_not_equal(operation.status, -ETIMEDOUT);
    world_turn(world, 20);
    assert_true(probe->failed <= 1);
}

static void need_a_hypervisor(void)
{
    if (!peer_kind.is_there)
        skip_because("is no hypervisor that could end");
}

static void test_it_is_cut_while_nothing_is_asked(void **state)
{
    struct world *world = *state;
    struct probe *probe = world_open_ready(world, PEER_WORKS);

    need_a_hypervisor();
    peer_kind.cut(world->peer);
    world_run_until(world, probe->failed > 0);
    world_turn(world, 20);
    assert_int_equal(probe->failed, 1);
}

/* Between its end and on_failed, or after it, nothing starts. */
static void test_nothing_starts_after_the_end(void **state)
{
    struct world *world = *state;
    struct probe *probe = world_open_ready(world, PEER_WORKS);
    struct operation operation = {0};

    need_a_hypervisor();
    peer_kind.cut(world->peer);
    world_run_until(world, probe->failed > 0);
    assert_int_equal(probe_read(probe, &operation, LONG), -ENOTCONN);
}

static void test_it_is_cut_and_reached_again(void **state)
{
    struct world *world = *state;
    struct probe *probe = world_open_ready(world, PEER_WORKS);

    need_a_hypervisor();
    probe->close_on_failed = true;
    peer_kind.cut(world->peer);
    world_run_until(world, probe->failed == 1);
    probe = world_open_again(world, LONG);
    world_run_until(world, probe->ready == 1);
}

/* The VM is gone. */
static void test_it_stops_for_good(void **state)
{
    struct world *world = *state;
    struct probe *probe = world_open_ready(world, PEER_WORKS);

    need_a_hypervisor();
    probe->close_on_failed = true;
    peer_kind.stop(world->peer);
    world_run_until(world, probe->failed == 1);
    probe = world_open_again(world, LONG);
    world_run_until(world, probe->failed == 1);
    assert_int_equal(probe->ready, 0);
}

static void test_another_one_serves_there(void **state)
{
    struct world *world = *state;
    struct probe *probe = world_open_ready(world, PEER_WORKS);
    const char *where = hypervisor_address_where(&world->address);
    char text[HYPERVISOR_ADDRESS_SIZE];
    uint64_t identity;

    need_a_hypervisor();
    if (probe->driver->identify == NULL)
        skip_because("cannot tell one hypervisor from another");
    identity = probe->driver->identify(where);
    assert_true(identity != 0);
    probe->close_on_failed = true;
    peer_kind.stop(world->peer);
    world_run_until(world, probe->failed == 1);
    assert_true(probe->driver->identify(where) != identity);
    world_turn(world, 20);
    peer_kind.start(world->peer, PEER_WORKS, text, sizeof(text));
    assert_true(probe->driver->identify(where) != identity);
    probe = world_open_again(world, LONG);
    world_run_until(world, probe->ready == 1);
}

int contract_endings(void)
{
    const struct CMUnitTest tests[] = {
        contract(test_closing_ends_what_is_pending),
        contract(test_closing_in_the_call_s_own_turn),
        contract(test_nothing_starts_while_it_closes),
        contract(test_nothing_starts_while_it_closes_in_the_middle),
        contract(test_closing_leaves_a_command_unknown),
        contract(test_closed_in_a_completion),
        contract(test_closed_in_a_completion_that_is_late),
        contract(test_it_ends_in_the_middle_of_a_question),
        contract(test_it_ends_in_the_middle_of_a_command),
        contract(test_closed_by_the_end_of_a_pending_operation),
        contract(test_it_answers_with_garbage),
        contract(test_it_is_cut_while_nothing_is_asked),
        contract(test_nothing_starts_after_the_end),
        contract(test_it_is_cut_and_reached_again),
        contract(test_it_stops_for_good),
        contract(test_another_one_serves_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
