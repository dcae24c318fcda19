/* What a peer may cost: budget, rates, stalls, a reader that never reads. */
#include "tests/lib/test.h"

#include <errno.h>

#include <string.h>
#include <unistd.h>

#include "common/ttrpc/connection.h"
#include "common/ttrpc/frame.h"
#include "tests/unit/ttrpc/fixture.h"

static struct ttrpc_call *held;

static void on_cancel(struct ttrpc_call *call, void *userdata)
{
    (void)call;
    (void)userdata;
    held = NULL;
}

static void watch(struct ttrpc_call *call, const ProtobufCMessage *message, void *userdata)
{
    (void)message;
    (void)userdata;
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

static void send_raw(struct fixture *fixture, const struct frame_header *header,
                     const void *payload, size_t length)
{
    uint8_t bytes[FRAME_HEADER_SIZE];

    frame_header_encode(header, bytes);
    assert_int_equal(write(fixture->raw, bytes, sizeof(bytes)), sizeof(bytes));
    if (length > 0)
        assert_int_equal(write(fixture->raw, payload, length), length);
}

static void test_half_a_frame_stalls(void **state)
{
    struct ttrpc_limits limits = ttrpc_limits_default;
    struct frame_header header = {.length = 10, .stream = 1, .type = FRAME_REQUEST};
    struct fixture fixture;

    (void)state;
    limits.stall = NSEC_PER_MSEC;
    fixture_init_server(&fixture, services, &limits);
    send_raw(&fixture, &header, "half", 4);
    loop_run_until(&fixture.loop, &fixture.server_ending.done);
    assert_int_equal(fixture.server_ending.status, -ETIMEDOUT);
    assert_string_equal(fixture.server_ending.reason, "a frame was not complete within 1ms");
    fixture_finish(&fixture);
}

static void test_closing_inside_a_frame(void **state)
{
    struct frame_header header = {.length = 10, .stream = 1, .type = FRAME_REQUEST};
    struct fixture fixture;

    (void)state;
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
        (void)uv_run(&fixture->loop, UV_RUN_ONCE);
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

    (void)state;
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

    (void)state;
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

    (void)state;
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

/* An answer to GetInfo with so many empty features. */
static void answer_with_features(struct fixture *fixture, uint32_t stream, unsigned count)
{
    struct frame_header header = {.stream = stream, .type = FRAME_RESPONSE};
    uint8_t payload[1024];
    unsigned inner = 2 * count;

    assert_true(inner + 3 <= sizeof(payload));
    payload[0] = 0x12; /* payload */
    payload[1] = (uint8_t)(inner | 0x80);
    payload[2] = (uint8_t)(inner >> 7);
    for (unsigned i = 0; i < count; i++) {
        payload[3 + 2 * i] = 0x5a;
        payload[4 + 2 * i] = 0;
    }
    header.length = inner + 3;
    send_raw(fixture, &header, payload, header.length);
}

static void test_elements_of_a_message(void **state)
{
    Vmreclaim__Agent__V1__GetInfoRequest request = VMRECLAIM__AGENT__V1__GET_INFO_REQUEST__INIT;
    struct ttrpc_limits limits = ttrpc_limits_guest;
    struct fixture fixture;
    struct outcome outcomes[2] = {0};

    (void)state;
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

/* ---- the processor ---- */

static void test_a_share_is_charged(void **state)
{
    struct ttrpc_share share = {
        .permyriad = 100, .saved_max = 10 * NSEC_PER_MSEC, .debt_max = 60 * NSEC_PER_SEC};
    nsec_t now = 1000 * NSEC_PER_SEC;

    (void)state;
    /* 10 ms are saved up: what is within them is paid for. */
    assert_int_equal(ttrpc_share_charge(&share, 4 * NSEC_PER_MSEC, now), now - 600 * NSEC_PER_MSEC);
    assert_int_equal(ttrpc_share_charge(&share, 6 * NSEC_PER_MSEC, now), now);
    /* Beyond, one hundred times as long. */
    assert_int_equal(ttrpc_share_charge(&share, NSEC_PER_MSEC, now), now + 100 * NSEC_PER_MSEC);
    /* Time pays. */
    now += 600 * NSEC_PER_MSEC;
    assert_int_equal(ttrpc_share_charge(&share, 5 * NSEC_PER_MSEC, now), now);
    /* Neither savings nor debts are without end. */
    now += 3600 * NSEC_PER_SEC;
    assert_int_equal(ttrpc_share_charge(&share, 10 * NSEC_PER_MSEC, now), now);
    assert_int_equal(ttrpc_share_charge(&share, 3600 * NSEC_PER_SEC, now), now + 60 * NSEC_PER_SEC);
}

static unsigned served;

/* Serves a Ping, and takes its time. */
static void ping_slowly(struct ttrpc_call *call, const ProtobufCMessage *message, void *userdata)
{
    Vmreclaim__Agent__V1__PingResponse response = VMRECLAIM__AGENT__V1__PING_RESPONSE__INIT;
    struct timespec begun, now;

    (void)message;
    (void)userdata;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &begun);
    do
        (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    while ((now.tv_sec - begun.tv_sec) * 1000000000L + now.tv_nsec - begun.tv_nsec < 1000000);
    served++;
    ttrpc_call_finish(call, &response.base);
}

static const ttrpc_handler slow_handlers[METHOD_COUNT] = {[METHOD_PING] = ping_slowly};

static const struct ttrpc_service slow_service = {
    .descriptor = &vmreclaim__agent__v1__agent__descriptor,
    .handlers = slow_handlers,
};

static const struct ttrpc_service *const slow_services[] = {&slow_service, NULL};

static void send_ping(struct fixture *fixture, uint32_t stream)
{
    static const uint8_t request[] = "\x0a\x18vmreclaim.agent.v1.Agent\x12\x04Ping";
    struct frame_header header = {
        .length = sizeof(request) - 1, .stream = stream, .type = FRAME_REQUEST};

    send_raw(fixture, &header, request, sizeof(request) - 1);
}

/* A millisecond of work at a ten-thousandth of a core: ten seconds of debt. */
static void test_a_debtor_is_not_read(void **state)
{
    struct ttrpc_share own = {.permyriad = 1, .debt_max = 60 * NSEC_PER_SEC};
    struct fixture fixture;

    (void)state;
    served = 0;
    fixture_init_server(&fixture, slow_services, NULL);
    ttrpc_connection_set_processor(fixture.server, &own);
    send_ping(&fixture, 1);
    while (served == 0)
        (void)uv_run(&fixture.loop, UV_RUN_ONCE);
    assert_true(own.paid_until > time_monotonic() + NSEC_PER_SEC);
    send_ping(&fixture, 3);
    loop_run_turns(&fixture.loop, 20);
    assert_int_equal(served, 1);
    /* Its hanging up is still noticed. */
    assert_int_equal(close(fixture.raw), 0);
    fixture.raw = -1;
    loop_run_until(&fixture.loop, &fixture.server_ending.done);
    fixture_finish(&fixture);
}

/* What a peer sent at once is handled one by one, with turns for others between. */
static void test_frame_by_frame(void **state)
{
    struct ttrpc_limits limits = ttrpc_limits_default;
    struct fixture fixture;

    (void)state;
    served = 0;
    limits.frame_by_frame = true;
    fixture_init_server(&fixture, slow_services, &limits);
    for (uint32_t i = 0; i < 3; i++)
        send_ping(&fixture, 1 + 2 * i);
    for (unsigned i = 1; i <= 3; i++) {
        while (served < i)
            (void)uv_run(&fixture.loop, UV_RUN_ONCE);
        assert_int_equal(served, i);
    }
    fixture_finish(&fixture);
}

/* The debt is the guest's, not the connection's. */
static void test_connecting_anew_forgives_nothing(void **state)
{
    struct ttrpc_share own = {.permyriad = 1, .debt_max = 60 * NSEC_PER_SEC};
    struct fixture fixture;

    (void)state;
    served = 0;
    for (unsigned i = 0; i < 2; i++) {
        fixture_init_server(&fixture, slow_services, NULL);
        ttrpc_connection_set_processor(fixture.server, &own);
        send_ping(&fixture, 1);
        while (served <= i)
            (void)uv_run(&fixture.loop, UV_RUN_ONCE);
        fixture_finish(&fixture);
        assert_true(own.paid_until > time_monotonic() + (i + 1) * 5 * NSEC_PER_SEC);
    }
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

    (void)state;
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
        (void)close(raw[i]);
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

    (void)state;
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
    (void)close(fixture.raw);
}

/* A peer with a share of its own and one of all debtors; its messages are read one by one. */
struct debtor {
    struct ttrpc_share own;
    struct ttrpc_budget budget;
    struct fixture fixture;
    struct ttrpc_connection *connection;
};

static void debtor_init(struct debtor *debtor, nsec_t common_savings)
{
    struct ttrpc_connection_options options = {
        .limits = ttrpc_limits_default,
        .services = slow_services,
        .budget = &debtor->budget,
        .processor = &debtor->own,
    };
    int pair[2];

    options.limits.frame_by_frame = true;
    served = 0;
    debtor->own = (struct ttrpc_share){
        .permyriad = 1, .saved_max = NSEC_PER_MSEC / 100, .debt_max = 60 * NSEC_PER_SEC};
    ttrpc_budget_init(&debtor->budget, 1 << 20, 1);
    debtor->budget.processor = (struct ttrpc_share){
        .permyriad = 1, .saved_max = common_savings, .debt_max = 60 * NSEC_PER_SEC};
    fixture_init(&debtor->fixture, pair);
    debtor->fixture.raw = pair[0];
    assert_int_equal(
        ttrpc_connection_create(&debtor->fixture.loop, pair[1], &options, &debtor->connection), 0);
}

static void debtor_finish(struct debtor *debtor)
{
    ttrpc_connection_close(debtor->connection);
    loop_finish(&debtor->fixture.loop);
    (void)close(debtor->fixture.raw);
}

static void send_pings(struct debtor *debtor, uint32_t first, uint32_t last)
{
    for (uint32_t i = first; i <= last; i++)
        send_ping(&debtor->fixture, 2 * i - 1);
}

/* In debt with its own share, a peer that has sent more is read as long as that of all debtors
 * pays.
 */
static void test_debtors_share(void **state)
{
    struct debtor debtor;

    (void)state;
    debtor_init(&debtor, 2 * NSEC_PER_MSEC + NSEC_PER_MSEC / 2);
    /* The third is beyond what was saved. */
    send_pings(&debtor, 1, 4);
    while (served < 3)
        (void)uv_run(&debtor.fixture.loop, UV_RUN_ONCE);
    loop_run_turns(&debtor.fixture.loop, 20);
    assert_int_equal(served, 3);
    /* Meanwhile its own share does not fill up again. */
    assert_int_equal(debtor.own.paid_until, debtor.budget.processor.paid_until);
    assert_true(debtor.own.paid_until > time_monotonic());
    debtor_finish(&debtor);
}

/* Who has nothing more to say waits for its own share: what others owe is not its affair. */
static void test_a_debtor_that_rests(void **state)
{
    struct debtor debtor;

    (void)state;
    debtor_init(&debtor, NSEC_PER_SEC);
    send_pings(&debtor, 1, 1);
    while (served == 0)
        (void)uv_run(&debtor.fixture.loop, UV_RUN_ONCE);
    assert_int_equal(debtor.budget.processor.paid_until, 0);
    assert_true(debtor.own.paid_until > time_monotonic() + NSEC_PER_SEC);
    debtor_finish(&debtor);
}

/* What a debtor takes of savings that all debtors have is no credit for its own share. */
static void test_common_savings_are_no_credit(void **state)
{
    struct debtor debtor;
    nsec_t before = time_monotonic();

    (void)state;
    debtor_init(&debtor, NSEC_PER_SEC);
    send_pings(&debtor, 1, 2);
    while (served == 0)
        (void)uv_run(&debtor.fixture.loop, UV_RUN_ONCE);
    assert_true(debtor.budget.processor.paid_until > 0);
    assert_true(debtor.budget.processor.paid_until < before);
    assert_true(debtor.own.paid_until >= before);
    debtor_finish(&debtor);
}

/* Answers to what we ask do not bring a peer into debt, whatever we ask; their turns alone would.
 */
static void test_answers_are_not_charged(void **state)
{
    Vmreclaim__Agent__V1__GetInfoRequest request = VMRECLAIM__AGENT__V1__GET_INFO_REQUEST__INIT;
    struct frame_header unasked = {.stream = 2, .type = FRAME_DATA};
    struct ttrpc_share own = {
        .permyriad = 1, .saved_max = 5 * NSEC_PER_MSEC, .debt_max = 60 * NSEC_PER_SEC};
    struct fixture fixture;

    (void)state;
    fixture_init_client(&fixture, NULL);
    ttrpc_connection_set_processor(fixture.client, &own);
    for (unsigned i = 0; i < 100; i++) {
        struct outcome outcome = {0};

        assert_int_equal(ttrpc_call_unary(fixture.client, AGENT, "GetInfo", &request.base, 0,
                                          on_result, &outcome, NULL),
                         0);
        answer_with_features(&fixture, 1 + 2 * i, 1);
        loop_run_until(&fixture.loop, &outcome.done);
        assert_int_equal(outcome.code, TTRPC_OK);
    }
    assert_true(own.paid_until <= time_monotonic());
    for (unsigned i = 0; i < 100 && own.paid_until <= time_monotonic(); i++) {
        send_raw(&fixture, &unasked, NULL, 0);
        (void)uv_run(&fixture.loop, UV_RUN_ONCE);
    }
    assert_true(own.paid_until > time_monotonic());
    fixture_finish(&fixture);
}

/* A hundred messages of a stream, each of whose turns costs a fiftieth of what is saved. */
static bool stream_brings_into_debt(nsec_t timeout)
{
    Vmreclaim__Agent__V1__WatchRequest request = VMRECLAIM__AGENT__V1__WATCH_REQUEST__INIT;
    struct frame_header data = {.stream = 1, .type = FRAME_DATA};
    struct ttrpc_share own = {
        .permyriad = 1, .saved_max = 5 * NSEC_PER_MSEC, .debt_max = 60 * NSEC_PER_SEC};
    struct outcome outcome = {0};
    struct fixture fixture;
    bool is_in_debt;

    fixture_init_client(&fixture, NULL);
    ttrpc_connection_set_processor(fixture.client, &own);
    assert_int_equal(ttrpc_call_stream(fixture.client, AGENT, "Watch", &request.base, timeout,
                                       on_message, on_result, &outcome, NULL),
                     0);
    for (unsigned i = 0; i < 100 && own.paid_until <= time_monotonic(); i++) {
        send_raw(&fixture, &data, NULL, 0);
        (void)uv_run(&fixture.loop, UV_RUN_ONCE);
    }
    is_in_debt = own.paid_until > time_monotonic();
    fixture_finish(&fixture);
    return is_in_debt;
}

static void test_what_a_stream_was_asked_for(void **state)
{
    (void)state;
    assert_false(stream_brings_into_debt(60 * NSEC_PER_SEC));
    assert_true(stream_brings_into_debt(0)); /* it tells of itself */
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

    (void)state;
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
        (void)close(raw[i]);
}

/* Stream ids run out after 2^31 calls; the transcript server-errors shows that the last one works.
 */

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_half_a_frame_stalls),
        cmocka_unit_test(test_closing_inside_a_frame),
        cmocka_unit_test(test_never_reading_stalls),
        cmocka_unit_test(test_past_the_queue),
        cmocka_unit_test(test_rate),
        cmocka_unit_test(test_elements_of_a_message),
        cmocka_unit_test(test_a_share_is_charged),
        cmocka_unit_test(test_a_debtor_is_not_read),
        cmocka_unit_test(test_frame_by_frame),
        cmocka_unit_test(test_connecting_anew_forgives_nothing),
        cmocka_unit_test(test_debtors_share),
        cmocka_unit_test(test_a_debtor_that_rests),
        cmocka_unit_test(test_common_savings_are_no_credit),
        cmocka_unit_test(test_answers_are_not_charged),
        cmocka_unit_test(test_what_a_stream_was_asked_for),
        cmocka_unit_test(test_connections_of_a_budget),
        cmocka_unit_test(test_no_frame_is_sent_before_it_is_written),
        cmocka_unit_test(test_the_largest_holder_goes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
