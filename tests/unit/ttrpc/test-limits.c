/* What a peer may cost: budget, rates, stalls, idleness, a reader that never reads. */
#include "tests/lib/test.h"

#include <errno.h>

#include <string.h>
#include <unistd.h>

#include "common/ttrpc/connection.h"
#include "tests/unit/ttrpc/raw.h"

static struct ttrpc_call *held;

static void on_cancel(struct ttrpc_call *call, void *userdata)
{
    held = NULL;
}

static void watch(struct ttrpc_call *call, const ProtobufCMessage *message, void *userdata)
{
    held = call;
    ttrpc_call_on_cancel(call, on_cancel, NULL);
}

static const ttrpc_handler handlers[METHOD_COUNT] = {
    [METHOD_WATCH] = watch,
};

static const struct ttrpc_service service = {
    .descriptor = &vmreclaim__agent__v1__agent__descriptor,
    .handlers = handlers,
    .streams = 1u << METHOD_WATCH,
};

static const struct ttrpc_service *const services[] = {&service, NULL};

static void test_half_a_frame_stalls(void **state)
{
    struct ttrpc_limits limits = ttrpc_limits_default;
    struct frame_header header = {.length = 10, .stream = 1, .type = FRAME_REQUEST};
    struct fixture fixture;

    limits.stall = NSEC_PER_MSEC;
    fixture_init_server(&fixture, services, &limits);
    send_raw(&fixture, &header, "half", 4);
    loop_run_until(&fixture.loop, &fixture.server_ending.done);
    assert_int_equal(fixture.server_ending.status, -ETIMEDOUT);
    assert_string_equal(fixture.server_ending.reason, "a frame was not complete within 1ms");
    fixture_finish(&fixture);
}

static void test_unused(void **state)
{
    struct ttrpc_limits limits = ttrpc_limits_default;
    struct fixture fixture;

    limits.idle = NSEC_PER_MSEC;
    fixture_init_server(&fixture, services, &limits);
    loop_run_until(&fixture.loop, &fixture.server_ending.done);
    assert_int_equal(fixture.server_ending.status, 0);
    assert_string_equal(fixture.server_ending.reason, "unused for 1ms");
    fixture_finish(&fixture);
}

static void on_watched_long_enough(uv_timer_t *timer)
{
    bool *over = timer->data;

    *over = true;
}

/* Who waits for what we have to say is not idle, and is again afterwards. */
static void test_a_call_is_use(void **state)
{
    struct ttrpc_limits limits = ttrpc_limits_default;
    struct outcome outcome = {0};
    struct fixture fixture;
    bool over = false;
    uv_timer_t timer = {.data = &over};

    held = NULL;
    fixture_init_pair(&fixture, services, NULL);
    limits.idle = NSEC_PER_MSEC;
    fixture.server->options.limits = limits;
    assert_int_equal(call_watch(&fixture, 0, 0, &outcome, NULL), 0);
    while (held == NULL)
        uv_run(&fixture.loop, UV_RUN_ONCE);
    receive_begin(fixture.server);
    assert_int_equal(uv_timer_init(&fixture.loop, &timer), 0);
    assert_int_equal(uv_timer_start(&timer, on_watched_long_enough, 10, 0), 0);
    loop_run_until(&fixture.loop, &over);
    assert_false(fixture.server_ending.done);
    ttrpc_call_finish(held, NULL);
    loop_run_until(&fixture.loop, &fixture.server_ending.done);
    assert_true(outcome.done);
    assert_int_equal(outcome.code, TTRPC_OK);
    uv_close((uv_handle_t *)&timer, NULL);
    fixture_finish(&fixture);
}

static void test_closing_inside_a_frame(void **state)
{
    struct frame_header header = {.length = 10, .stream = 1, .type = FRAME_REQUEST};
    struct fixture fixture;

    fixture_init_server(&fixture, services, NULL);
    send_raw(&fixture, &header, "half", 4);
    assert_int_equal(close(fixture.raw), 0);
    fixture.raw = -1;
    loop_run_until(&fixture.loop, &fixture.server_ending.done);
    assert_int_equal(fixture.server_ending.status, -EPIPE);
    assert_string_equal(fixture.server_ending.reason, "the peer closed in the middle of a frame");
    fixture_finish(&fixture);
}

/* Opens a Watch and sends until it is told that the reader is slow, or the call is gone: on a busy
 * machine a short stall can end it before the queue is full. */
static void fill_queue(struct fixture *fixture)
{
    static const uint8_t request[] = "\x0a\x18vmreclaim.agent.v1.Agent\x12\x05Watch";
    struct frame_header header = {
        .length = sizeof(request) - 1, .stream = 1, .type = FRAME_REQUEST, .flags = 1};
    Vmreclaim__Agent__V1__WatchResponse response = VMRECLAIM__AGENT__V1__WATCH_RESPONSE__INIT;
    unsigned refused = 0;

    held = NULL;
    send_raw(fixture, &header, request, sizeof(request) - 1);
    while (held == NULL)
        uv_run(&fixture->loop, UV_RUN_ONCE);
    response.sequence = 1;
    while (held != NULL && refused < 2) { /* twice in a row: the kernel's buffer is full, too */
        if (ttrpc_call_send(held, &response.base) == -EAGAIN) {
            refused++;
            loop_run_turns(&fixture->loop, 2);
        } else {
            refused = 0;
        }
    }
}

static void test_never_reading_stalls(void **state)
{
    struct ttrpc_limits limits = ttrpc_limits_default;
    struct fixture fixture;

    limits.stall = 20 * NSEC_PER_MSEC;
    fixture_init_server(&fixture, services, &limits);
    fill_queue(&fixture);
    loop_run_until(&fixture.loop, &fixture.server_ending.done);
    assert_int_equal(fixture.server_ending.status, -ETIMEDOUT);
    assert_string_equal(fixture.server_ending.reason, "the peer did not read for 20ms");
    assert_null(held);
    fixture_finish(&fixture);
}

static void test_past_the_queue(void **state)
{
    Vmreclaim__Agent__V1__WatchResponse response = VMRECLAIM__AGENT__V1__WATCH_RESPONSE__INIT;
    struct fixture fixture;
    int r;

    fixture_init_server(&fixture, services, NULL);
    fill_queue(&fixture);
    do
        r = ttrpc_call_send_urgent(held, &response.base);
    while (r == 0);
    assert_int_equal(r, -EAGAIN);
    /* What cannot be refused, like an error, finds no room either: the connection goes. */
    ttrpc_call_fail(held, TTRPC_ABORTED, "a text that is longer than the last message was");
    loop_run_until(&fixture.loop, &fixture.server_ending.done);
    assert_int_equal(fixture.server_ending.status, -ENOBUFS);
    fixture_finish(&fixture);
}

/* A flood is let in at its rate: the peer's socket fills instead. */
static void test_rate(void **state)
{
    static uint8_t flood[64 << 10];
    struct ttrpc_limits limits = ttrpc_limits_default;
    struct frame_header unknown = {.stream = 1, .type = 9};
    struct fixture fixture;
    ssize_t written;
    uint64_t total = 0;

    for (size_t i = 0; i + FRAME_HEADER_SIZE <= sizeof(flood); i += FRAME_HEADER_SIZE)
        frame_header_encode(&unknown, flood + i);
    limits.frames_per_second = 1;
    fixture_init_server(&fixture, services, &limits);
    do {
        written = write(fixture.raw, flood, sizeof(flood) / FRAME_HEADER_SIZE * FRAME_HEADER_SIZE);
        if (written > 0)
            total += (uint64_t)written;
        loop_run_turns(&fixture.loop, 2);
    } while (written > 0);
    assert_int_equal(errno, EAGAIN);
    assert_true(total < 1 << 20);
    assert_false(fixture.server_ending.done);
    /* Its hanging up is still noticed. */
    assert_int_equal(close(fixture.raw), 0);
    fixture.raw = -1;
    loop_run_until(&fixture.loop, &fixture.server_ending.done);
    fixture_finish(&fixture);
}

/* ---- one message ---- */

static void test_elements_of_a_message(void **state)
{
    Vmreclaim__Agent__V1__GetInfoRequest request = VMRECLAIM__AGENT__V1__GET_INFO_REQUEST__INIT;
    struct ttrpc_limits limits = ttrpc_limits_guest;
    struct fixture fixture;
    struct outcome outcomes[2] = {0};

    limits.elements = 100;
    fixture_init_client(&fixture, &limits);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(ttrpc_call_unary(fixture.client, AGENT, "GetInfo", &request.base, 0,
                                          on_result, &outcomes[i], NULL),
                         0);
        answer_with_features(&fixture, 1 + 2 * i, 100 + i);
        loop_run_until(&fixture.loop, &outcomes[i].done);
        assert_int_equal(outcomes[i].code, i == 0 ? TTRPC_OK : TTRPC_INTERNAL);
    }
    assert_false(fixture.client_ending.done);
    fixture_finish(&fixture);
}

/* ---- the budget ---- */

static struct ttrpc_connection *join(struct fixture *fixture, struct ttrpc_budget *budget,
                                     struct ending *ending, int *ret_raw)
{
    struct ttrpc_connection_options options = {
        .limits = ttrpc_limits_default,
        .services = services,
        .budget = budget,
        .userdata = ending,
        .on_close = on_close,
    };
    struct ttrpc_connection *connection = NULL;
    int pair[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) < 0)
        return NULL;
    *ret_raw = pair[0];
    ending->status = ttrpc_connection_create(&fixture->loop, pair[1], &options, &connection);
    return connection;
}

static void test_connections_of_a_budget(void **state)
{
    struct ttrpc_budget budget;
    struct fixture fixture = {.raw = -1};
    struct ending endings[3] = {0};
    struct ttrpc_connection *connections[3];
    int raw[3];

    ttrpc_budget_init(&budget, 1 << 20, 2);
    assert_int_equal(uv_loop_init(&fixture.loop), 0);
    for (unsigned i = 0; i < 3; i++)
        connections[i] = join(&fixture, &budget, &endings[i], &raw[i]);
    assert_non_null(connections[1]);
    assert_null(connections[2]);
    assert_int_equal(endings[2].status, -EUSERS);
    assert_int_equal(budget.connections, 2);
    assert_int_equal(budget.refused, 1);
    assert_true(budget.bytes > 0);
    ttrpc_connection_close(connections[0]);
    ttrpc_connection_close(connections[1]);
    loop_finish(&fixture.loop);
    assert_int_equal(budget.connections, 0);
    assert_int_equal(budget.bytes, 0);
    for (unsigned i = 0; i < 3; i++)
        close(raw[i]);
}

/* A frame is filled in after it was queued. Were it charged at once, over the budget, the
 * connection would be closed and would send what was in memory before. */
static void test_no_frame_is_sent_before_it_is_written(void **state)
{
    enum { PAYLOAD = 4096 };
    const struct frame_header header = {.length = PAYLOAD, .stream = 1, .type = FRAME_DATA};
    struct ttrpc_budget budget;
    struct fixture fixture = {.raw = -1};
    struct ending ending = {0};
    struct ttrpc_connection *connection;
    uint8_t bytes[FRAME_HEADER_SIZE + PAYLOAD];
    uint8_t *payload;

    ttrpc_budget_init(&budget, 1 << 20, 1);
    assert_int_equal(uv_loop_init(&fixture.loop), 0);
    connection = join(&fixture, &budget, &ending, &fixture.raw);
    assert_non_null(connection);
    budget.bytes_limit = budget.bytes + PAYLOAD / 2;
    payload = connection_append(connection, &header, false);
    assert_non_null(payload);
    memset(payload, 'x', PAYLOAD);
    loop_run_turns(&fixture.loop, 2);
    assert_int_equal(read(fixture.raw, bytes, sizeof(bytes)), sizeof(bytes));
    assert_int_equal(bytes[FRAME_HEADER_SIZE], 'x');
    assert_int_equal(bytes[sizeof(bytes) - 1], 'x');
    ttrpc_connection_close(connection);
    loop_finish(&fixture.loop);
    close(fixture.raw);
}

/* Two modest peers and one that makes us hold most of a large frame. */
static void test_the_largest_holder_goes(void **state)
{
    static uint8_t payload[40000];
    struct frame_header header = {.length = 60000, .stream = 1, .type = FRAME_REQUEST};
    struct ttrpc_budget budget;
    struct fixture fixture = {.raw = -1};
    struct ending endings[3] = {0};
    struct ttrpc_connection *connections[3];
    int raw[3];

    ttrpc_budget_init(&budget, 32 << 10, 10);
    assert_int_equal(uv_loop_init(&fixture.loop), 0);
    for (unsigned i = 0; i < 3; i++)
        connections[i] = join(&fixture, &budget, &endings[i], &raw[i]);
    fixture.raw = raw[1];
    send_raw(&fixture, &header, payload, sizeof(payload));
    loop_run_until(&fixture.loop, &endings[1].done);
    assert_int_equal(endings[1].status, -ENOBUFS);
    assert_non_null(strstr(endings[1].reason, "more than their budget"));
    assert_int_equal(budget.closed, 1);
    assert_false(endings[0].done);
    assert_false(endings[2].done);
    ttrpc_connection_close(connections[0]);
    ttrpc_connection_close(connections[2]);
    loop_finish(&fixture.loop);
    assert_int_equal(budget.bytes, 0);
    for (unsigned i = 0; i < 3; i++)
        close(raw[i]);
}

/* Stream ids run out after 2^31 calls; the transcript server-errors shows that the last one works.
 */

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_half_a_frame_stalls),
        cmocka_unit_test(test_unused),
        cmocka_unit_test(test_a_call_is_use),
        cmocka_unit_test(test_closing_inside_a_frame),
        cmocka_unit_test(test_never_reading_stalls),
        cmocka_unit_test(test_past_the_queue),
        cmocka_unit_test(test_rate),
        cmocka_unit_test(test_elements_of_a_message),
        cmocka_unit_test(test_connections_of_a_budget),
        cmocka_unit_test(test_no_frame_is_sent_before_it_is_written),
        cmocka_unit_test(test_the_largest_holder_goes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
