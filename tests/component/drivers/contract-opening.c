/* How a session comes up, or does not. */
#include <errno.h>
#include <string.h>

#include "tests/component/drivers/world.h"

static void test_it_comes_up_and_tells_facts(void **state)
{
    struct probe *probe = world_open_ready(*state, PEER_WORKS);

    assert_int_equal(probe->ready, 1);
    assert_int_equal(probe->failed, 0);
    /* Not every hypervisor knows its VM's name. */
    assert_true(probe->facts.name[0] == '\0' || strcmp(probe->facts.name, "web-1") == 0);
    assert_int_equal(probe->facts.run_state, RUN_STATE_RUNNING);
    assert_true(probe->facts.ram == UINT64_C(1) << 30);
}

/* Nobody has to find out by trying what a driver cannot do, and what it cannot does not start. */
static void test_capabilities_are_what_it_can(void **state)
{
    struct probe *probe = world_open_ready(*state, PEER_WORKS);

    assert_int_equal(probe->facts.capabilities, peer_kind.capabilities);
    for (enum driver_operation kind = 0; kind < DRIVER_OPERATIONS; kind++)
        if (!probe_can(probe, kind))
            assert_true(probe_start(probe, &(struct operation){0}, kind, UINT64_C(1) << 29, LONG) <
                        0);
    assert_int_equal((probe->facts.capabilities & DRIVER_TELLS_EVENTS) != 0, peer_kind.events != 0);
}

static void test_what_is_unknown_is_absent(void **state)
{
    const struct driver_facts facts = world_open_ready(*state, PEER_WORKS)->facts;

    assert_true(memchr(facts.name, '\0', sizeof(facts.name)) != NULL);
    assert_true(memchr(facts.uuid, '\0', sizeof(facts.uuid)) != NULL);
    assert_true(memchr(facts.title, '\0', sizeof(facts.title)) != NULL);
    assert_true(memchr(facts.labels, '\0', sizeof(facts.labels)) != NULL);
    assert_true(memchr(facts.hybrid_vsock, '\0', sizeof(facts.hybrid_vsock)) != NULL);
    assert_true(facts.uuid[0] == '\0' || strlen(facts.uuid) == 36);
    assert_true(facts.guest_cid == 0 || facts.guest_cid >= 3);
    if (facts.balloon != ANSWER_YES)
        assert_int_equal(facts.balloon_actual, 0);
    else
        assert_true(facts.balloon_actual <= facts.balloon_maximum || facts.balloon_maximum == 0);
}

static void expect_failure(struct world *world, enum peer_fault fault, nsec_t timeout)
{
    struct probe *probe = world_open(world, fault, timeout);

    world_run_until(world, probe->failed > 0);
    world_turn(world, 20);
    assert_int_equal(probe->failed, 1);
    assert_int_equal(probe->ready, 0);
    print_message("it says: %s\n", probe->error.text);
}

static int failure(struct world *world)
{
    return list_entry(world->probes.next, struct probe, link)->status;
}

static void test_nobody_is_there(void **state)
{
    expect_failure(*state, PEER_ABSENT, LONG);
    assert_true(failure(*state) == -ENOENT || failure(*state) == -ECONNREFUSED);
}

static void test_it_says_nothing(void **state)
{
    expect_failure(*state, PEER_SILENT, SHORT);
    assert_int_equal(failure(*state), -ETIMEDOUT);
}

static void test_it_says_something_else(void **state)
{
    expect_failure(*state, PEER_GARBAGE, LONG);
    assert_int_equal(failure(*state), -EPROTO);
}

static void test_it_says_something_without_end(void **state)
{
    expect_failure(*state, PEER_OVERSIZED, LONG);
    assert_true(failure(*state) == -EMSGSIZE || failure(*state) == -EPROTO);
}

static void test_it_hangs_up(void **state)
{
    expect_failure(*state, PEER_HANGS_UP, LONG);
    assert_int_not_equal(failure(*state), -ETIMEDOUT);
}

static void test_before_it_is_ready_nothing_can_be_asked(void **state)
{
    struct probe *probe = world_open(*state, PEER_WORKS, LONG);
    struct operation operation = {0};

    /* Also while it reads the first facts. */
    for (unsigned turns = 0; probe->ready == 0 && turns < 20000; turns++) {
        for (enum driver_operation kind = 0; kind < DRIVER_OPERATIONS; kind++)
            assert_int_equal(probe_start(probe, &operation, kind, 0, LONG), -ENOTCONN);
        world_turn(*state, 1);
    }
    assert_int_equal(probe->ready, 1);
    assert_int_equal(operation.done, 0);
}

static void test_closed_at_once(void **state)
{
    struct probe *probe = world_open(*state, PEER_WORKS, LONG);

    probe_close(probe);
    world_turn(*state, 50);
    assert_int_equal(probe->ready + probe->failed, 0);
}

static void test_closed_while_it_waits(void **state)
{
    struct probe *probe = world_open(*state, PEER_SILENT, LONG);

    world_turn(*state, 50);
    probe_close(probe);
    world_turn(*state, 50);
    assert_int_equal(probe->ready + probe->failed, 0);
}

static void test_closed_in_on_ready(void **state)
{
    struct world *world = *state;
    struct probe *probe = world_open(world, PEER_WORKS, LONG);

    probe->close_on_ready = true;
    world_run_until(world, probe->ready == 1);
    world_turn(world, 20);
    assert_null(probe->session);
}

static void test_closed_in_on_failed(void **state)
{
    struct world *world = *state;
    struct probe *probe = world_open(world, PEER_SILENT, SHORT);

    probe->close_on_failed = true;
    world_run_until(world, probe->failed == 1);
    world_turn(world, 20);
    assert_null(probe->session);
}

static void test_nothing_is_closed(void **state)
{
    const struct probe *probe = world_open_ready(*state, PEER_WORKS);

    probe->driver->close(NULL);
}

/* A wrong place is told when it is written down, not when it is used. */
static void test_wrong_places(void **state)
{
    const struct driver *driver = world_open_ready(*state, PEER_WORKS)->driver;
    struct error error = {""};

    assert_int_equal(driver->check("", &error), -EINVAL);
    assert_true(error.text[0] != '\0');
    assert_int_equal(
        driver->check(hypervisor_address_where(&((struct world *)*state)->address), &error), 0);
}

static void test_after_a_session_comes_the_next(void **state)
{
    struct world *world = *state;
    struct probe *probe = world_open_ready(world, PEER_WORKS);

    for (unsigned i = 0; i < 5; i++) {
        probe_close(probe);
        probe = world_open_again(world, LONG);
        world_run_until(world, probe->ready == 1);
    }
}

int contract_opening(void)
{
    const struct CMUnitTest tests[] = {
        contract(test_it_comes_up_and_tells_facts),
        contract(test_capabilities_are_what_it_can),
        contract(test_what_is_unknown_is_absent),
        contract(test_nobody_is_there),
        contract(test_it_says_nothing),
        contract(test_it_says_something_else),
        contract(test_it_says_something_without_end),
        contract(test_it_hangs_up),
        contract(test_before_it_is_ready_nothing_can_be_asked),
        contract(test_closed_at_once),
        contract(test_closed_while_it_waits),
        contract(test_closed_in_on_ready),
        contract(test_closed_in_on_failed),
        contract(test_nothing_is_closed),
        contract(test_wrong_places),
        contract(test_after_a_session_comes_the_next),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
