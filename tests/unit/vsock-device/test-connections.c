/* The table of connections: ports, turns, deadlines, resets, limits. */
#include "tests/lib/test.h"

#include <errno.h>

#include "tests/lab/vsock-device/connections.h"

static int setup(void **state)
{
    static struct connections connections;

    connections_init(&connections);
    *state = &connections;
    return 0;
}

static int teardown(void **state)
{
    struct connections *connections = *state;

    list_for_each_safe (link, following, &connections->all)
        connections_remove(connections, list_entry(link, struct connection, all));
    connections_finish(connections);
    return 0;
}

static struct connection *wait_for_port(struct connections *connections)
{
    struct connection *connection = NULL;

    assert_int_equal(connections_add(connections, CONNECTION_WAITING, 0, 0, &connection), 0);
    return connection;
}

static struct connection *request(struct connections *connections, uint32_t guest_port)
{
    struct connection *connection = wait_for_port(connections);

    assert_int_equal(connections_name(connections, connection, guest_port), 0);
    return connection;
}

static struct connection *accept_from(struct connections *connections, uint32_t host_port,
                                      uint32_t guest_port)
{
    struct connection *connection = NULL;

    assert_int_equal(
        connections_add(connections, CONNECTION_ACCEPTED, host_port, guest_port, &connection), 0);
    return connection;
}

static void test_host_ports(void **state)
{
    struct connections *connections = *state;
    struct connection *first = request(connections, 1017);
    struct connection *second = request(connections, 1017);

    assert_int_equal(first->host_port, 1u << 30);
    assert_int_equal(second->host_port, (1u << 30) + 1);
    assert_int_equal(first->state, CONNECTION_REQUESTED);
    assert_ptr_equal(connections_find(connections, 1u << 30, 1017), first);
    assert_null(connections_find(connections, 1u << 30, 1018));
    /* A port is not used again at once. */
    connections_remove(connections, second);
    assert_int_equal(request(connections, 1017)->host_port, (1u << 30) + 2);
}

static void test_host_ports_wrap(void **state)
{
    struct connections *connections = *state;

    (void)accept_from(connections, 1u << 30, 5);
    connections->port_last = (1u << 31) - 2;
    assert_int_equal(request(connections, 5)->host_port, (1u << 31) - 1);
    /* The next one is the guest's own; only for another port of it would it do. */
    assert_int_equal(request(connections, 5)->host_port, (1u << 30) + 1);
}

static void test_guest_ports(void **state)
{
    struct connections *connections = *state;
    struct connection *connection = accept_from(connections, 52, 9999), *other = NULL;

    assert_int_equal(connection->pending, CONNECTION_SEND_RESPONSE);
    assert_int_equal(connections_add(connections, CONNECTION_ACCEPTED, 52, 9999, &other), -EEXIST);
    assert_null(other);
    assert_ptr_not_equal(accept_from(connections, 52, 9998), connection);
}

static void test_limit(void **state)
{
    struct connections *connections = *state;
    struct connection *last = NULL, *more = NULL;

    for (unsigned i = 0; i < CONNECTIONS_MAX; i++)
        last = i % 2 == 0 ? wait_for_port(connections) : accept_from(connections, 1, i);
    assert_int_equal(connections_add(connections, CONNECTION_WAITING, 0, 0, &more), -ENOSPC);
    assert_int_equal(connections_add(connections, CONNECTION_ACCEPTED, 7, 7, &more), -ENOSPC);
    connections_remove(connections, last);
    assert_int_equal(connections_add(connections, CONNECTION_ACCEPTED, 7, 7, &more), 0);
}

static void test_turns(void **state)
{
    struct connections *connections = *state;
    struct connection *first = request(connections, 1), *second = request(connections, 2);

    assert_null(connections_next(connections));
    connections_update(connections, first, 0);
    connections_update(connections, second, 0);
    connections_update(connections, first, 0); /* has its place already */
    assert_ptr_equal(connections_next(connections), first);
    connections_update(connections, first, 0);
    assert_ptr_equal(connections_next(connections), second);
    assert_ptr_equal(connections_next(connections), first);
    assert_null(connections_next(connections));
    connections_update(connections, second, 0);
    second->pending = 0;
    connections_update(connections, second, 0);
    assert_null(connections_next(connections));
}

static void test_deadlines(void **state)
{
    struct connections *connections = *state;
    struct connection *first = request(connections, 1), *second = request(connections, 2);

    assert_true(connections_deadline(connections) == NSEC_INFINITY);
    first->pending = 0; /* the request is with the guest */
    second->pending = 0;
    connections_update(connections, first, 10);
    connections_update(connections, second, 20);
    connections_update(connections, first, 30); /* its time runs already */
    assert_true(connections_deadline(connections) == 10 + CONNECTION_PATIENCE);
    assert_null(connections_expired(connections, 9 + CONNECTION_PATIENCE));
    assert_ptr_equal(connections_expired(connections, 10 + CONNECTION_PATIENCE), first);
    (void)connection_step(first, CONNECTION_ANSWERED);
    connections_update(connections, first, 40);
    assert_true(connections_deadline(connections) == 20 + CONNECTION_PATIENCE);
    connections_remove(connections, second);
    assert_true(connections_deadline(connections) == NSEC_INFINITY);
}

static void test_resets(void **state)
{
    struct connections *connections = *state;
    struct connections_reset reset;

    for (unsigned round = 0; round < 3; round++) {
        for (uint32_t i = 0; i < CONNECTIONS_RESETS_MAX + 10; i++)
            connections_refuse(connections, i, round);
        for (uint32_t i = 0; i < CONNECTIONS_RESETS_MAX; i++) {
            assert_true(connections_next_reset(connections, &reset));
            assert_int_equal(reset.host_port, i);
            assert_int_equal(reset.guest_port, round);
        }
        assert_false(connections_next_reset(connections, &reset));
        connections_refuse(connections, 1, 1); /* moves the ring's start */
        assert_true(connections_next_reset(connections, &reset));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_host_ports, setup, teardown),
        cmocka_unit_test_setup_teardown(test_host_ports_wrap, setup, teardown),
        cmocka_unit_test_setup_teardown(test_guest_ports, setup, teardown),
        cmocka_unit_test_setup_teardown(test_limit, setup, teardown),
        cmocka_unit_test_setup_teardown(test_turns, setup, teardown),
        cmocka_unit_test_setup_teardown(test_deadlines, setup, teardown),
        cmocka_unit_test_setup_teardown(test_resets, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
