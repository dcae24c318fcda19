/* One connection: every transition, credit both ways, and what waits for the host. */
#include "tests/lib/test.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lab/vsock-device/connection.h"

/* Written down a second time, from the state's point of view, with what is told. */
static const struct {
    enum connection_state from;
    enum connection_event event;
    enum connection_state to;
    unsigned told;
} transitions[] = {
    {CONNECTION_WAITING, CONNECTION_NAMED, CONNECTION_REQUESTED, CONNECTION_SEND_REQUEST},
    {CONNECTION_REQUESTED, CONNECTION_ANSWERED, CONNECTION_OPEN, 0},
    {CONNECTION_REQUESTED, CONNECTION_HANGUP, CONNECTION_RESET, CONNECTION_SEND_RST},
    {CONNECTION_REQUESTED, CONNECTION_BROKEN, CONNECTION_RESET, CONNECTION_SEND_RST},
    {CONNECTION_ACCEPTED, CONNECTION_CONFIRMED, CONNECTION_OPEN, 0},
    {CONNECTION_ACCEPTED, CONNECTION_BROKEN, CONNECTION_RESET, CONNECTION_SEND_RST},
    {CONNECTION_OPEN, CONNECTION_DEAFENED, CONNECTION_GUEST_DEAF, 0},
    {CONNECTION_OPEN, CONNECTION_MUTED, CONNECTION_GUEST_MUTE, 0},
    {CONNECTION_OPEN, CONNECTION_SHUT, CONNECTION_RESET, CONNECTION_SEND_RST},
    {CONNECTION_OPEN, CONNECTION_HOST_END, CONNECTION_HOST_MUTE, CONNECTION_SEND_SHUTDOWN},
    {CONNECTION_OPEN, CONNECTION_HANGUP, CONNECTION_HOST_CLOSED, CONNECTION_SEND_SHUTDOWN},
    {CONNECTION_OPEN, CONNECTION_BROKEN, CONNECTION_RESET, CONNECTION_SEND_RST},
    {CONNECTION_GUEST_DEAF, CONNECTION_MUTED, CONNECTION_RESET, CONNECTION_SEND_RST},
    {CONNECTION_GUEST_DEAF, CONNECTION_SHUT, CONNECTION_RESET, CONNECTION_SEND_RST},
    {CONNECTION_GUEST_DEAF, CONNECTION_HANGUP, CONNECTION_RESET, CONNECTION_SEND_RST},
    {CONNECTION_GUEST_DEAF, CONNECTION_BROKEN, CONNECTION_RESET, CONNECTION_SEND_RST},
    {CONNECTION_GUEST_MUTE, CONNECTION_DEAFENED, CONNECTION_RESET, CONNECTION_SEND_RST},
    {CONNECTION_GUEST_MUTE, CONNECTION_SHUT, CONNECTION_RESET, CONNECTION_SEND_RST},
    {CONNECTION_GUEST_MUTE, CONNECTION_HOST_END, CONNECTION_RESET, CONNECTION_SEND_RST},
    {CONNECTION_GUEST_MUTE, CONNECTION_HANGUP, CONNECTION_HOST_CLOSED, CONNECTION_SEND_SHUTDOWN},
    {CONNECTION_GUEST_MUTE, CONNECTION_BROKEN, CONNECTION_RESET, CONNECTION_SEND_RST},
    {CONNECTION_HOST_MUTE, CONNECTION_MUTED, CONNECTION_RESET, CONNECTION_SEND_RST},
    {CONNECTION_HOST_MUTE, CONNECTION_SHUT, CONNECTION_RESET, CONNECTION_SEND_RST},
    {CONNECTION_HOST_MUTE, CONNECTION_HANGUP, CONNECTION_HOST_CLOSED, CONNECTION_SEND_SHUTDOWN},
    {CONNECTION_HOST_MUTE, CONNECTION_BROKEN, CONNECTION_RESET, CONNECTION_SEND_RST},
    {CONNECTION_GUEST_CLOSED, CONNECTION_DRAINED, CONNECTION_RESET, CONNECTION_SEND_RST},
    {CONNECTION_GUEST_CLOSED, CONNECTION_BROKEN, CONNECTION_RESET, CONNECTION_SEND_RST},
    {CONNECTION_HOST_CLOSED, CONNECTION_BROKEN, CONNECTION_RESET, CONNECTION_SEND_RST},
};

/* Nothing waits for the host here, so a closed guest is reset at once. */
static void test_transitions(void **state)
{
    for (unsigned from = CONNECTION_WAITING; from < CONNECTION_STATES; from++)
        for (unsigned event = 0; event < CONNECTION_EVENTS; event++) {
            struct connection connection = {.state = from};
            enum connection_state to = from;
            unsigned told = 0;

            for (size_t i = 0; i < ARRAY_SIZE(transitions); i++)
                if (transitions[i].from == from && transitions[i].event == event) {
                    to = transitions[i].to;
                    told = transitions[i].told;
                }
            (void)connection_step(&connection, event);
            if (connection.state != to || connection.pending != told)
                fail_msg("%s, event %u: %s, pending %#x", connection_state_name(from), event,
                         connection_state_name(connection.state), connection.pending);
        }
}

static int take(struct connection *connection, uint16_t operation, uint32_t flags, uint32_t length)
{
    struct packet_header header = {.operation = operation,
                                   .flags = flags,
                                   .length = length,
                                   .buffer = connection->guest_buffer,
                                   .forwarded = connection->guest_forwarded};

    return connection_take(connection, &header);
}

/* ---- packets ---- */

static void test_unexpected_packets(void **state)
{
    for (unsigned from = CONNECTION_REQUESTED; from < CONNECTION_STATES; from++)
        for (uint16_t operation = 0; operation < 20; operation++) {
            struct connection connection = {.state = from};

            if (operation == PACKET_RST || operation == PACKET_SHUTDOWN ||
                (operation == PACKET_RESPONSE && from == CONNECTION_REQUESTED))
                continue;
            take(&connection, operation, 0, 0);
            assert_int_equal(connection.state, from);
        }
}

static void test_shutdown_in_steps(void **state)
{
    struct connection connection = {.state = CONNECTION_OPEN};

    take(&connection, PACKET_SHUTDOWN, 0, 0);
    assert_int_equal(connection.state, CONNECTION_OPEN);
    take(&connection, PACKET_SHUTDOWN, PACKET_NO_RECEIVE | 0x100, 0);
    assert_int_equal(connection.state, CONNECTION_GUEST_DEAF);
    assert_int_equal(take(&connection, PACKET_RW, 0, 10), 1);
    take(&connection, PACKET_SHUTDOWN, PACKET_NO_RECEIVE, 0);
    assert_int_equal(connection.state, CONNECTION_GUEST_DEAF);
    take(&connection, PACKET_SHUTDOWN, PACKET_NO_SEND, 0);
    assert_int_equal(connection.state, CONNECTION_RESET);
    assert_int_equal(take(&connection, PACKET_RW, 0, 10), 0);
}

static void test_data_is_taken_in(void **state)
{
    static const bool taken[CONNECTION_STATES] = {
        [CONNECTION_OPEN] = true,
        [CONNECTION_GUEST_DEAF] = true,
        [CONNECTION_HOST_MUTE] = true,
    };

    for (unsigned from = CONNECTION_REQUESTED; from < CONNECTION_STATES; from++) {
        struct connection connection = {.state = from};

        assert_int_equal(take(&connection, PACKET_RW, 0, 1), taken[from]);
        assert_int_equal(take(&connection, PACKET_RW, 0, 0), 0);
    }
}

/* ---- credit of the guest ---- */

static void test_credit(void **state)
{
    struct connection connection = {.state = CONNECTION_OPEN, .guest_buffer = 1000};

    assert_int_equal(connection_credit(&connection), 1000);
    connection.sent = 1000;
    assert_int_equal(connection_credit(&connection), 0);
    connection.guest_forwarded = 400;
    assert_int_equal(connection_credit(&connection), 400);
    connection.guest_buffer = 100; /* it shrank below what is under way */
    assert_int_equal(connection_credit(&connection), 0);
    connection.guest_forwarded = 5000; /* more than it got */
    assert_int_equal(connection_credit(&connection), 0);
}

static void test_credit_wraps(void **state)
{
    struct connection connection = {.state = CONNECTION_OPEN,
                                    .guest_buffer = 1000,
                                    .sent = 100,
                                    .guest_forwarded = UINT32_MAX - 199};

    assert_int_equal(connection_credit(&connection), 700);
}

static void test_watch_follows_credit(void **state)
{
    struct connection connection = {.state = CONNECTION_OPEN};

    assert_int_equal(connection_watch(&connection), 0);
    connection.guest_buffer = 10;
    assert_int_equal(connection_watch(&connection), CONNECTION_WATCH_READ);
    connection.pending = CONNECTION_SEND_DATA;
    assert_int_equal(connection_watch(&connection), 0);
    connection.pending = 0;
    connection.state = CONNECTION_HOST_MUTE;
    assert_int_equal(connection_watch(&connection), CONNECTION_WATCH_HANGUP);
}

/* ---- credit for the guest, and the backlog ---- */

static void test_credit_is_told_late(void **state)
{
    struct connection connection = {.state = CONNECTION_OPEN};
    struct packet_header header;

    connection_forward(&connection, CONNECTION_BUFFER - CONNECTION_CREDIT_LEFT_MIN);
    assert_int_equal(connection.pending, 0);
    connection_forward(&connection, 1);
    assert_int_equal(connection.pending, CONNECTION_SEND_CREDIT);
    connection_fill(&connection, 3, &header);
    assert_int_equal(header.forwarded, CONNECTION_BUFFER - CONNECTION_CREDIT_LEFT_MIN + 1);
    assert_int_equal(header.buffer, CONNECTION_BUFFER);
    connection_told(&connection);
    assert_int_equal(connection.pending, 0);
    connection_forward(&connection, 1);
    assert_int_equal(connection.pending, 0);
    take(&connection, PACKET_CREDIT_REQUEST, 0, 0);
    assert_int_equal(connection.pending, CONNECTION_SEND_CREDIT);
}

/* Odd sizes, so that the ring's end falls inside of pieces, and something is always left. */
static void test_backlog(void **state)
{
    struct connection connection = {.state = CONNECTION_OPEN};
    uint8_t data[3001], next_in = 0, next_out = 0;

    for (unsigned round = 0; round < 200; round++) {
        struct iovec in[] = {{data, 1}, {data + 1, sizeof(data) - 1}}, out[2];
        uint32_t taken = connection.backlog_length > 50000 ? 20011 : 2003, left;
        unsigned count;

        for (size_t i = 0; i < sizeof(data); i++)
            data[i] = next_in++;
        assert_int_equal(connection_keep(&connection, in, 2), 0);
        count = connection_kept(&connection, out);
        left = taken;
        for (unsigned i = 0; i < count; i++)
            for (size_t j = 0; j < out[i].iov_len && left > 0; j++, left--)
                assert_int_equal(((uint8_t *)out[i].iov_base)[j], next_out++);
        assert_int_equal(left, 0);
        connection_drop(&connection, taken);
    }
    assert_int_equal(connection.forwarded + connection.backlog_length, 200 * sizeof(data));
    assert_true(connection.backlog_length > 0);
    free(connection.backlog);
}

static void test_backlog_is_bounded(void **state)
{
    struct connection connection = {.state = CONNECTION_OPEN};
    uint8_t *data = calloc(1, CONNECTION_BUFFER);
    struct iovec all = {data, CONNECTION_BUFFER}, one = {data, 1}, out[2];

    assert_int_equal(connection_keep(&connection, &all, 1), 0);
    assert_int_equal(connection_keep(&connection, &one, 1), -ENOBUFS);
    assert_int_equal(connection_watch(&connection), CONNECTION_WATCH_WRITE);
    connection_drop(&connection, 1);
    assert_int_equal(connection_keep(&connection, &one, 1), 0);
    assert_int_equal(connection_kept(&connection, out), 2);
    free(connection.backlog);
    free(data);
}

/* The host takes what waits before the connection ends. */
static void test_closing_drains(void **state)
{
    struct connection connection = {.state = CONNECTION_OPEN};
    char hello[] = "hello";
    struct iovec segment = {hello, 5};

    assert_int_equal(connection_keep(&connection, &segment, 1), 0);
    take(&connection, PACKET_SHUTDOWN, PACKET_NO_RECEIVE | PACKET_NO_SEND, 0);
    assert_int_equal(connection.state, CONNECTION_GUEST_CLOSED);
    assert_true(connection_is_timed(&connection));
    assert_int_equal(connection_watch(&connection), CONNECTION_WATCH_WRITE);
    connection_drop(&connection, 2);
    assert_int_equal(connection.state, CONNECTION_GUEST_CLOSED);
    connection_drop(&connection, 3);
    assert_int_equal(connection.state, CONNECTION_RESET);
    assert_int_equal(connection.pending, CONNECTION_SEND_RST);
    free(connection.backlog);
}

static void test_end_of_guest_comes_after_its_data(void **state)
{
    struct connection connection = {.state = CONNECTION_OPEN};
    char hello[] = "hello";
    struct iovec segment = {hello, 5};

    assert_int_equal(connection_keep(&connection, &segment, 1), 0);
    take(&connection, PACKET_SHUTDOWN, PACKET_NO_SEND, 0);
    assert_int_equal(connection.state, CONNECTION_GUEST_MUTE);
    assert_false(connection_ends_host(&connection));
    connection_drop(&connection, 5);
    assert_true(connection_ends_host(&connection));
    connection.host_told_of_end = true;
    assert_false(connection_ends_host(&connection));
    free(connection.backlog);
}

static void test_patience_begins_with_the_request(void **state)
{
    struct connection connection = {.state = CONNECTION_WAITING};

    assert_false(connection_is_timed(&connection));
    (void)connection_step(&connection, CONNECTION_NAMED);
    assert_false(connection_is_timed(&connection));
    connection.pending &= ~(unsigned)CONNECTION_SEND_REQUEST;
    assert_true(connection_is_timed(&connection));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_transitions),
        cmocka_unit_test(test_unexpected_packets),
        cmocka_unit_test(test_shutdown_in_steps),
        cmocka_unit_test(test_data_is_taken_in),
        cmocka_unit_test(test_credit),
        cmocka_unit_test(test_credit_wraps),
        cmocka_unit_test(test_watch_follows_credit),
        cmocka_unit_test(test_credit_is_told_late),
        cmocka_unit_test(test_backlog),
        cmocka_unit_test(test_backlog_is_bounded),
        cmocka_unit_test(test_closing_drains),
        cmocka_unit_test(test_end_of_guest_comes_after_its_data),
        cmocka_unit_test(test_patience_begins_with_the_request),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
