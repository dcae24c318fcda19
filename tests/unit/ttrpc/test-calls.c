/* Calls between a client and a server of ours. */
#include "tests/lib/test.h"

#include <errno.h>

#include "tests/unit/ttrpc/fixture.h"

/* ---- handlers ---- */

static void ping(struct ttrpc_call *call, const ProtobufCMessage *message, void *userdata)
{
    const Vmreclaim__Agent__V1__PingRequest *request =
        (const Vmreclaim__Agent__V1__PingRequest *)message;
    Vmreclaim__Agent__V1__PingResponse response = VMRECLAIM__AGENT__V1__PING_RESPONSE__INIT;

    response.nonce = request->nonce;
    ttrpc_call_finish(call, &response.base);
}

static void get_info(struct ttrpc_call *call, const ProtobufCMessage *message, void *userdata)
{
    char user[16] = "";

    (void)ttrpc_call_metadata(call, "user", user, sizeof(user));
    ttrpc_call_fail(call, TTRPC_PERMISSION_DENIED, "not for %s", user);
}

/* Compact never ends by itself; what happened to the call is told here. */
static struct {
    struct ttrpc_call *call;
    unsigned cancelled;
    nsec_t deadline;
} held;

static void on_held_cancelled(struct ttrpc_call *call, void *userdata)
{
    held.cancelled++;
    if (held.call == call)
        held.call = NULL;
}

static void compact(struct ttrpc_call *call, const ProtobufCMessage *message, void *userdata)
{
    held.call = call;
    held.deadline = ttrpc_call_deadline(call);
    ttrpc_call_on_cancel(call, on_held_cancelled, NULL);
}

/* SetReporting is held without asking to be told of a cancellation. */
static void set_reporting(struct ttrpc_call *call, const ProtobufCMessage *message, void *userdata)
{
    held.call = call;
}

/* ReclaimCache takes a stream of requests and answers with the number of bytes asked for. */
static uint64_t bytes_asked;

static void on_reclaim_message(struct ttrpc_call *call, const ProtobufCMessage *message,
                               void *userdata)
{
    Vmreclaim__Agent__V1__ReclaimCacheResponse response =
        VMRECLAIM__AGENT__V1__RECLAIM_CACHE_RESPONSE__INIT;

    if (message == NULL)
        ttrpc_call_finish(call, &response.base);
    else
        bytes_asked += ((const Vmreclaim__Agent__V1__ReclaimCacheRequest *)message)->bytes;
}

static void reclaim_cache(struct ttrpc_call *call, const ProtobufCMessage *message, void *userdata)
{
    ttrpc_call_on_message(call, on_reclaim_message, NULL);
}

static int send_watch(struct ttrpc_call *call, uint64_t sequence, bool urgent)
{
    Vmreclaim__Agent__V1__WatchResponse response = VMRECLAIM__AGENT__V1__WATCH_RESPONSE__INIT;

    response.sequence = sequence;
    return urgent ? ttrpc_call_send_urgent(call, &response.base)
                  : ttrpc_call_send(call, &response.base);
}

/* Sends and ends; with an interval the stream is held open. */
static void watch(struct ttrpc_call *call, const ProtobufCMessage *message, void *userdata)
{
    if (((const Vmreclaim__Agent__V1__WatchRequest *)message)->interval_ns != 0) {
        held.call = call;
        ttrpc_call_on_cancel(call, on_held_cancelled, NULL);
        return;
    }
    for (uint64_t i = 1; i <= 3; i++)
        (void)send_watch(call, i, false);
    (void)send_watch(call, 4, true);
    ttrpc_call_finish(call, NULL);
}

static const ttrpc_handler handlers[METHOD_COUNT] = {
    [METHOD_PING] = ping,
    [METHOD_GET_INFO] = get_info,
    [METHOD_COMPACT] = compact,
    [METHOD_RECLAIM_CACHE] = reclaim_cache,
    [METHOD_SET_REPORTING] = set_reporting,
    [METHOD_WATCH] = watch,
};

static const struct ttrpc_service service = {
    .descriptor = &vmreclaim__agent__v1__agent__descriptor,
    .handlers = handlers,
    .streams = 1u << METHOD_WATCH,
    .client_streams = 1u << METHOD_RECLAIM_CACHE,
};

static const struct ttrpc_service *const services[] = {&service, NULL};

static int call_method(struct fixture *fixture, const char *method, const ProtobufCMessage *request,
                       nsec_t timeout, struct outcome *outcome)
{
    return ttrpc_call_unary(fixture->client, AGENT, method, request, timeout, on_result, outcome,
                            NULL);
}

static int call_compact(struct fixture *fixture, nsec_t timeout, struct outcome *outcome)
{
    Vmreclaim__Agent__V1__CompactRequest request = VMRECLAIM__AGENT__V1__COMPACT_REQUEST__INIT;

    return call_method(fixture, "Compact", &request.base, timeout, outcome);
}

static int setup(void **state)
{
    static struct fixture fixture;

    memset(&held, 0, sizeof(held));
    bytes_asked = 0;
    fixture_init_pair(&fixture, services, NULL);
    *state = &fixture;
    return 0;
}

static int teardown(void **state)
{
    fixture_finish(*state);
    return 0;
}

/* ---- unary ---- */

static void test_unary(void **state)
{
    struct fixture *fixture = *state;
    struct outcome outcome = {0};

    assert_int_equal(call_ping(fixture, 42, 0, &outcome, NULL), 0);
    assert_false(outcome.done);
    loop_run_until(&fixture->loop, &outcome.done);
    assert_int_equal(outcome.code, TTRPC_OK);
    assert_string_equal(outcome.message, "");
    assert_int_equal(outcome.nonce, 42);
}

static void test_many_at_once(void **state)
{
    struct fixture *fixture = *state;
    struct outcome outcomes[16] = {0};

    for (uint64_t i = 0; i < ARRAY_SIZE(outcomes); i++)
        assert_int_equal(call_ping(fixture, i, NSEC_PER_SEC * 600, &outcomes[i], NULL), 0);
    for (uint64_t i = 0; i < ARRAY_SIZE(outcomes); i++) {
        loop_run_until(&fixture->loop, &outcomes[i].done);
        assert_int_equal(outcomes[i].nonce, i);
        assert_int_equal(outcomes[i].results, 1);
    }
}

static void test_error_and_metadata(void **state)
{
    static const struct ttrpc_metadata metadata[] = {{"user", "mallory"}};
    struct fixture *fixture = *state;
    Vmreclaim__Agent__V1__GetInfoRequest message = VMRECLAIM__AGENT__V1__GET_INFO_REQUEST__INIT;
    struct outcome outcome = {0};
    struct ttrpc_request request = {
        .service = AGENT,
        .method = "GetInfo",
        .message = &message.base,
        .metadata = metadata,
        .metadata_count = 1,
        .on_result = on_result,
        .userdata = &outcome,
    };

    assert_int_equal(ttrpc_call_start(fixture->client, &request, NULL), 0);
    loop_run_until(&fixture->loop, &outcome.done);
    assert_int_equal(outcome.code, TTRPC_PERMISSION_DENIED);
    assert_string_equal(outcome.message, "not for mallory");
    assert_false(outcome.has_response);
}

static void test_method_without_handler(void **state)
{
    struct fixture *fixture = *state;
    Vmreclaim__Agent__V1__GetMemoryRequest request = VMRECLAIM__AGENT__V1__GET_MEMORY_REQUEST__INIT;
    struct outcome outcome = {0};

    assert_int_equal(call_method(fixture, "GetMemory", &request.base, 0, &outcome), 0);
    loop_run_until(&fixture->loop, &outcome.done);
    assert_int_equal(outcome.code, TTRPC_UNIMPLEMENTED);
    assert_string_equal(outcome.message, "method GetMemory");
}

static void test_unknown_method_is_refused_here(void **state)
{
    struct fixture *fixture = *state;
    struct outcome outcome = {0};

    assert_int_equal(call_method(fixture, "Nothing", NULL, 0, &outcome), -ENOENT);
}

static void test_server_does_not_call(void **state)
{
    struct fixture *fixture = *state;
    struct ttrpc_request request = {.service = AGENT, .method = "Ping"};

    assert_int_equal(ttrpc_call_start(fixture->server, &request, NULL), -EOPNOTSUPP);
}

/* ---- deadlines and cancellation ---- */

static void test_deadline(void **state)
{
    struct fixture *fixture = *state;
    struct outcome outcome = {0};

    assert_int_equal(call_compact(fixture, NSEC_PER_MSEC, &outcome), 0);
    loop_run_until(&fixture->loop, &outcome.done);
    assert_int_equal(outcome.code, TTRPC_DEADLINE_EXCEEDED);
    while (held.cancelled == 0)
        uv_run(&fixture->loop, UV_RUN_ONCE);
    assert_int_equal(held.cancelled, 1);
    assert_true(held.deadline != NSEC_INFINITY);
}

static void test_no_deadline(void **state)
{
    struct fixture *fixture = *state;
    struct outcome outcome = {0};

    assert_int_equal(call_compact(fixture, 0, &outcome), 0);
    while (held.call == NULL)
        uv_run(&fixture->loop, UV_RUN_ONCE);
    assert_true(held.deadline == NSEC_INFINITY);
    ttrpc_call_fail(held.call, TTRPC_ABORTED, "enough");
    loop_run_until(&fixture->loop, &outcome.done);
    assert_int_equal(outcome.code, TTRPC_ABORTED);
    assert_int_equal(held.cancelled, 0);
}

static void test_client_cancels(void **state)
{
    struct fixture *fixture = *state;
    struct outcome cancelled = {0}, after = {0};
    struct ttrpc_client_call *call;

    assert_int_equal(call_ping(fixture, 1, 0, &cancelled, &call), 0);
    ttrpc_client_call_cancel(call);
    assert_int_equal(call_ping(fixture, 2, 0, &after, NULL), 0);
    loop_run_until(&fixture->loop, &after.done);
    assert_int_equal(after.nonce, 2);
    assert_false(cancelled.done);
}

static void test_closing_cancels_the_handler(void **state)
{
    struct fixture *fixture = *state;
    struct outcome outcome = {0};

    assert_int_equal(call_compact(fixture, 0, &outcome), 0);
    while (held.call == NULL)
        uv_run(&fixture->loop, UV_RUN_ONCE);
    ttrpc_connection_close(fixture->client);
    ttrpc_connection_close(fixture->client);
    assert_false(outcome.done);
    loop_run_until(&fixture->loop, &fixture->server_ending.done);
    assert_int_equal(outcome.code, TTRPC_CANCELLED);
    assert_int_equal(outcome.results, 1);
    assert_int_equal(held.cancelled, 1);
    assert_int_equal(fixture->server_ending.status, 0);
    assert_string_equal(fixture->server_ending.reason, "closed by the peer");
    assert_string_equal(fixture->client_ending.reason, "closed on this side");
}

static void test_peer_gone_is_unavailable(void **state)
{
    struct fixture *fixture = *state;
    struct outcome outcome = {0};

    assert_int_equal(call_compact(fixture, 0, &outcome), 0);
    while (held.call == NULL)
        uv_run(&fixture->loop, UV_RUN_ONCE);
    ttrpc_connection_close(fixture->server);
    loop_run_until(&fixture->loop, &fixture->client_ending.done);
    assert_int_equal(outcome.code, TTRPC_UNAVAILABLE);
    assert_true(outcome.is_lost);
    assert_string_equal(outcome.message, "closed by the peer");
}

/* What a peer answers is no lost connection, whatever its code. */
static void test_unavailable_may_be_an_answer(void **state)
{
    struct fixture *fixture = *state;
    struct outcome outcome = {0};

    assert_int_equal(call_compact(fixture, 0, &outcome), 0);
    while (held.call == NULL)
        uv_run(&fixture->loop, UV_RUN_ONCE);
    ttrpc_call_fail(held.call, TTRPC_UNAVAILABLE, "no agent");
    loop_run_until(&fixture->loop, &outcome.done);
    assert_int_equal(outcome.code, TTRPC_UNAVAILABLE);
    assert_false(outcome.is_lost);
}

static void test_detached_call_may_be_finished(void **state)
{
    struct fixture *fixture = *state;
    Vmreclaim__Agent__V1__SetReportingRequest request =
        VMRECLAIM__AGENT__V1__SET_REPORTING_REQUEST__INIT;
    struct outcome outcome = {0};

    assert_int_equal(call_method(fixture, "SetReporting", &request.base, 0, &outcome), 0);
    while (held.call == NULL)
        uv_run(&fixture->loop, UV_RUN_ONCE);
    ttrpc_connection_close(fixture->client);
    loop_run_until(&fixture->loop, &fixture->server_ending.done);
    assert_null(ttrpc_call_connection_userdata(held.call));
    assert_int_equal(send_watch(held.call, 1, false), -EPIPE);
    ttrpc_call_finish(held.call, NULL);
}

static void test_calling_on_a_closed_connection(void **state)
{
    struct fixture *fixture = *state;
    struct outcome outcome = {0};

    ttrpc_connection_close(fixture->client);
    assert_int_equal(call_ping(fixture, 1, 0, &outcome, NULL), -EPIPE);
    assert_false(outcome.done);
}

/* ---- streams ---- */

static void test_server_stream_urgent_overtakes(void **state)
{
    struct fixture *fixture = *state;
    struct outcome outcome = {0};

    assert_int_equal(call_watch(fixture, 0, 0, &outcome, NULL), 0);
    loop_run_until(&fixture->loop, &outcome.done);
    assert_int_equal(outcome.code, TTRPC_OK);
    assert_false(outcome.has_response);
    assert_int_equal(outcome.messages, 4);
    assert_int_equal(outcome.sequences[0], 4);
    assert_int_equal(outcome.sequences[1], 1);
    assert_int_equal(outcome.sequences[3], 3);
}

static int open_reclaim(struct fixture *fixture, const ProtobufCMessage *first,
                        struct outcome *outcome, struct ttrpc_client_call **ret_call)
{
    struct ttrpc_request request = {
        .service = AGENT,
        .method = "ReclaimCache",
        .message = first,
        .open = true,
        .on_result = on_result,
        .userdata = outcome,
    };

    return ttrpc_call_start(fixture->client, &request, ret_call);
}

static void test_client_stream(void **state)
{
    struct fixture *fixture = *state;
    Vmreclaim__Agent__V1__ReclaimCacheRequest message =
        VMRECLAIM__AGENT__V1__RECLAIM_CACHE_REQUEST__INIT;
    struct outcome outcome = {0};
    struct ttrpc_client_call *call;

    assert_int_equal(open_reclaim(fixture, NULL, &outcome, &call), 0);
    for (message.bytes = 1; message.bytes <= 10; message.bytes++)
        assert_int_equal(ttrpc_client_call_send(call, &message.base), 0);
    assert_int_equal(ttrpc_client_call_half_close(call), 0);
    assert_int_equal(ttrpc_client_call_send(call, &message.base), -EPIPE);
    assert_int_equal(ttrpc_client_call_half_close(call), -EPIPE);
    loop_run_until(&fixture->loop, &outcome.done);
    assert_int_equal(outcome.code, TTRPC_OK);
    assert_true(outcome.has_response);
    assert_int_equal(bytes_asked, 55);
}

static void test_client_stream_first_message_with_the_request(void **state)
{
    struct fixture *fixture = *state;
    Vmreclaim__Agent__V1__ReclaimCacheRequest message =
        VMRECLAIM__AGENT__V1__RECLAIM_CACHE_REQUEST__INIT;
    struct outcome outcome = {0};

    message.bytes = 5;
    /* Not open: the request is the whole stream. */
    assert_int_equal(call_method(fixture, "ReclaimCache", &message.base, 0, &outcome), 0);
    loop_run_until(&fixture->loop, &outcome.done);
    assert_int_equal(outcome.code, TTRPC_OK);
    assert_int_equal(bytes_asked, 5);
}

/* ---- limits ---- */

/* What is open when a test ends is answered by its teardown: outcomes outlive these tests. */

static void test_stream_limit(void **state)
{
    struct fixture *fixture = *state;
    static struct outcome outcomes[17];

    for (unsigned i = 0; i < 17; i++)
        assert_int_equal(call_compact(fixture, 0, &outcomes[i]), 0);
    loop_run_until(&fixture->loop, &outcomes[16].done);
    assert_int_equal(outcomes[16].code, TTRPC_RESOURCE_EXHAUSTED);
    for (unsigned i = 0; i < 16; i++)
        assert_false(outcomes[i].done);
}

/* Streams that a client has forgotten, which the wire cannot tell. The oldest ends, and a quarter
 * of the places is for other calls. */
static void test_forgotten_streams(void **state)
{
    struct fixture *fixture = *state;
    static struct outcome watches[20];
    static struct outcome pings[4];

    for (unsigned i = 0; i < 20; i++)
        assert_int_equal(call_watch(fixture, 1, 0, &watches[i], NULL), 0);
    loop_run_until(&fixture->loop, &watches[7].done);
    for (unsigned i = 0; i < 20; i++) {
        assert_int_equal(watches[i].done, i < 8);
        if (i < 8)
            assert_int_equal(watches[i].code, TTRPC_RESOURCE_EXHAUSTED);
    }
    assert_non_null(strstr(watches[0].message, "newer stream"));
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(call_compact(fixture, 0, &pings[i]), 0);
    loop_run_turns(&fixture->loop, 5);
    for (unsigned i = 0; i < 4; i++)
        assert_false(pings[i].done);
}

/* Streams that end by themselves do not count: nothing is ended for them. */
static void test_streams_with_a_deadline(void **state)
{
    struct fixture *fixture = *state;
    static struct outcome watches[17];

    for (unsigned i = 0; i < 17; i++)
        assert_int_equal(call_watch(fixture, 1, 60 * NSEC_PER_SEC, &watches[i], NULL), 0);
    loop_run_until(&fixture->loop, &watches[16].done);
    assert_int_equal(watches[16].code, TTRPC_RESOURCE_EXHAUSTED);
    assert_non_null(strstr(watches[16].message, "which is the limit"));
    for (unsigned i = 0; i < 16; i++)
        assert_false(watches[i].done);
}

static void test_too_large_to_send(void **state)
{
    struct fixture *fixture = *state;
    Vmreclaim__Agent__V1__CompactRequest request = VMRECLAIM__AGENT__V1__COMPACT_REQUEST__INIT;
    struct outcome outcome = {0};
    char *text = malloc(5 << 20);

    assert_non_null(text);
    memset(text, 'x', 5 << 20);
    text[(5 << 20) - 1] = '\0';
    request.action_id = text;
    assert_int_equal(call_method(fixture, "Compact", &request.base, 0, &outcome), -EMSGSIZE);
    /* Above the server's limit, but not the protocol's: the connection survives. */
    text[100 << 10] = '\0';
    assert_int_equal(call_method(fixture, "Compact", &request.base, 0, &outcome), 0);
    loop_run_until(&fixture->loop, &outcome.done);
    free(text);
    assert_int_equal(outcome.code, TTRPC_RESOURCE_EXHAUSTED);
    assert_non_null(strstr(outcome.message, "exceed maximum message size of 65536"));
    outcome = (struct outcome){0};
    assert_int_equal(call_ping(fixture, 3, 0, &outcome, NULL), 0);
    loop_run_until(&fixture->loop, &outcome.done);
    assert_int_equal(outcome.nonce, 3);
}

static unsigned drained;

static void on_drain(struct ttrpc_call *call, void *userdata)
{
    drained++;
}

static void test_slow_reader(void **state)
{
    struct fixture *fixture = *state;
    struct outcome outcome = {0};
    uint64_t sent = 0;

    assert_int_equal(call_watch(fixture, 1, 0, &outcome, NULL), 0);
    while (held.call == NULL)
        uv_run(&fixture->loop, UV_RUN_ONCE);
    /* Nothing is read between two turns of the loop. */
    while (send_watch(held.call, sent + 1, false) == 0)
        sent++;
    assert_true(sent > 1000);
    assert_int_equal(send_watch(held.call, sent + 1, false), -EAGAIN);
    assert_int_equal(send_watch(held.call, 0, true), 0);
    drained = 0;
    ttrpc_call_on_drain(held.call, on_drain, NULL);
    while (outcome.messages < sent + 1)
        uv_run(&fixture->loop, UV_RUN_ONCE);
    assert_int_equal(drained, 1);
    assert_int_equal(outcome.sequences[0], 0);
    ttrpc_call_finish(held.call, NULL);
    loop_run_until(&fixture->loop, &outcome.done);
    assert_int_equal(outcome.messages, sent + 1);
}

static void test_codes_and_errnos(void **state)
{
    for (uint32_t code = TTRPC_OK; code <= TTRPC_UNAUTHENTICATED; code++)
        assert_int_equal(ttrpc_code_of_errno(ttrpc_code_to_errno(code)), code);
    assert_int_equal(ttrpc_code_to_errno(TTRPC_OK), 0);
    assert_int_equal(ttrpc_code_of_errno(-ENOENT), TTRPC_NOT_FOUND);
    assert_int_equal(ttrpc_code_of_errno(-ENOSPC), TTRPC_RESOURCE_EXHAUSTED);
    assert_int_equal(ttrpc_code_of_errno(-EUCLEAN), TTRPC_INTERNAL); /* fits none */
    assert_int_equal(ttrpc_code_of_errno(ttrpc_code_to_errno(99)), TTRPC_UNKNOWN);
}

static void test_code_names(void **state)
{
    assert_string_equal(ttrpc_code_name(TTRPC_NOT_FOUND), "NOT_FOUND");
    assert_string_equal(ttrpc_code_name(17), "UNKNOWN");
}

#define call_test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        call_test(test_unary),
        call_test(test_many_at_once),
        call_test(test_error_and_metadata),
        call_test(test_method_without_handler),
        call_test(test_unknown_method_is_refused_here),
        call_test(test_server_does_not_call),
        call_test(test_deadline),
        call_test(test_no_deadline),
        call_test(test_client_cancels),
        call_test(test_closing_cancels_the_handler),
        call_test(test_peer_gone_is_unavailable),
        call_test(test_unavailable_may_be_an_answer),
        call_test(test_detached_call_may_be_finished),
        call_test(test_calling_on_a_closed_connection),
        call_test(test_server_stream_urgent_overtakes),
        call_test(test_client_stream),
        call_test(test_client_stream_first_message_with_the_request),
        call_test(test_stream_limit),
        call_test(test_forgotten_streams),
        call_test(test_streams_with_a_deadline),
        call_test(test_too_large_to_send),
        call_test(test_slow_reader),
        cmocka_unit_test(test_code_names),
        cmocka_unit_test(test_codes_and_errnos),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
