/* Our side of the streaming tests, as streams.go is the other one: "streams server PATH" serves
 * until its standard input ends, "streams client PATH" checks Go's server and prints "ok". */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "agent.pb-c.h"
#include "common/transport/transport.h"
#include "common/ttrpc/ttrpc.h"
#include "tests/interop/side.h"

#define AGENT    (&vmreclaim__agent__v1__agent__descriptor)
#define FEW      100                  /* messages that a Watch may ask for; more: without end */
#define QUEUE    ((uint64_t)64 << 10) /* as small as the agent's */
#define TEXT_MAX 1700

/* ---- server ---- */

/* Long, and with the first value of the metadata. */
static void get_info(struct ttrpc_call *call, const ProtobufCMessage *request, void *userdata)
{
    static char text[TEXT_MAX];
    Vmreclaim__Agent__V1__GetInfoResponse response = VMRECLAIM__AGENT__V1__GET_INFO_RESPONSE__INIT;
    char user[32] = "";

    (void)ttrpc_call_metadata(call, "user", user, sizeof(user));
    memset(text, 'x', sizeof(text) - 1);
    response.kernel_release = text;
    response.agent_version = user;
    ttrpc_call_finish(call, &response.base);
}

static void on_cancel(struct ttrpc_call *call, void *userdata)
{
}

/* Sends as many messages as the request's interval says. */
static void watch(struct ttrpc_call *call, const ProtobufCMessage *request, void *userdata)
{
    uint64_t count = ((const Vmreclaim__Agent__V1__WatchRequest *)request)->interval_ns;
    Vmreclaim__Agent__V1__WatchResponse response = VMRECLAIM__AGENT__V1__WATCH_RESPONSE__INIT;

    if (count == 0) {
        ttrpc_call_fail(call, TTRPC_FAILED_PRECONDITION, "not now");
    } else if (count > FEW) {
        ttrpc_call_on_cancel(call, on_cancel, NULL);
    } else {
        for (response.sequence = 1; response.sequence <= count; response.sequence++)
            (void)ttrpc_call_send(call, &response.base);
        ttrpc_call_finish(call, NULL);
    }
}

/* Counts the messages and adds up their bytes; one such call at a time. */
static uint64_t messages;
static uint64_t bytes;

static void on_reclaim_message(struct ttrpc_call *call, const ProtobufCMessage *message,
                               void *userdata)
{
    Vmreclaim__Agent__V1__ReclaimCacheResponse response =
        VMRECLAIM__AGENT__V1__RECLAIM_CACHE_RESPONSE__INIT;
    Vmreclaim__Agent__V1__ActionResult result = VMRECLAIM__AGENT__V1__ACTION_RESULT__INIT;

    if (message != NULL) {
        messages++;
        bytes += ((const Vmreclaim__Agent__V1__ReclaimCacheRequest *)message)->bytes;
        return;
    }
    result.free_before = messages;
    result.free_after = bytes;
    response.result = &result;
    ttrpc_call_finish(call, &response.base);
}

static void reclaim_cache(struct ttrpc_call *call, const ProtobufCMessage *request, void *userdata)
{
    messages = 0;
    bytes = 0;
    ttrpc_call_on_message(call, on_reclaim_message, NULL);
}

/* In the order of agent.proto. */
enum { GET_INFO = 1, RECLAIM_CACHE = 4, LIST_FREE_RANGES = 6, WATCH = 8, METHOD_COUNT };

static const ttrpc_handler handlers[METHOD_COUNT] = {
    [GET_INFO] = get_info,
    [RECLAIM_CACHE] = reclaim_cache,
    [LIST_FREE_RANGES] = side_list_free_ranges,
    [WATCH] = watch,
};

static const struct ttrpc_service service = {
    .descriptor = &vmreclaim__agent__v1__agent__descriptor,
    .handlers = handlers,
    .streams = 1u << WATCH | 1u << LIST_FREE_RANGES,
    .client_streams = 1u << RECLAIM_CACHE | 1u << LIST_FREE_RANGES,
};

static const struct ttrpc_service *const services[] = {&service, NULL};

static void on_closed(struct ttrpc_connection *connection, int status, const char *reason,
                      void *userdata)
{
    if (status < 0)
        fprintf(stderr, "closed: %s\n", reason);
}

static void on_accept(int descriptor, const struct peer *peer, void *userdata)
{
    struct ttrpc_connection_options options = {
        .limits = ttrpc_limits_default,
        .services = services,
        .on_close = on_closed,
    };
    struct ttrpc_connection *connection;

    options.limits.queued_bytes = QUEUE;
    if (ttrpc_connection_create(userdata, descriptor, &options, &connection) < 0)
        side_die("no connection");
}

/* ---- client ---- */

struct outcome {
    bool done;
    enum ttrpc_code code;
    char text[128];
    uint64_t received; /* messages of a stream */
    uint64_t last;     /* the newest one's number */
    uint64_t messages; /* what the server counted */
    uint64_t bytes;
};

static uv_loop_t *loop;
static struct ttrpc_connection *connection;
static struct outcome outcome;

static void on_result(const struct ttrpc_result *result, void *userdata)
{
    const Vmreclaim__Agent__V1__ReclaimCacheResponse *response =
        (const Vmreclaim__Agent__V1__ReclaimCacheResponse *)result->response;

    outcome.done = true;
    outcome.code = result->code;
    snprintf(outcome.text, sizeof(outcome.text), "%s", result->message);
    if (response != NULL) {
        outcome.messages = response->result->free_before;
        outcome.bytes = response->result->free_after;
    }
}

static void on_message(const ProtobufCMessage *message, void *userdata)
{
    outcome.received++;
    if (message->descriptor == &vmreclaim__agent__v1__watch_response__descriptor)
        outcome.last = ((const Vmreclaim__Agent__V1__WatchResponse *)message)->sequence;
    else
        outcome.last =
            ((const Vmreclaim__Agent__V1__ListFreeRangesResponse *)message)->ranges[0]->start;
}

static struct ttrpc_client_call *start(const char *method, const ProtobufCMessage *message,
                                       bool open, bool streams)
{
    struct ttrpc_client_call *call = NULL;
    struct ttrpc_request request = {
        .service = AGENT,
        .method = method,
        .message = message,
        .open = open,
        .on_message = streams ? on_message : NULL,
        .on_result = on_result,
    };

    outcome = (struct outcome){0};
    if (ttrpc_call_start(connection, &request, &call) < 0)
        side_die("%s could not be called", method);
    return call;
}

static void await(const char *name, enum ttrpc_code code)
{
    while (!outcome.done)
        uv_run(loop, UV_RUN_ONCE);
    if (outcome.code != code)
        side_die("%s: %s '%s'", name, ttrpc_code_name(outcome.code), outcome.text);
}

static void check_server_stream(void)
{
    Vmreclaim__Agent__V1__WatchRequest request = VMRECLAIM__AGENT__V1__WATCH_REQUEST__INIT;

    request.interval_ns = 5;
    (void)start("Watch", &request.base, false, true);
    await("a stream", TTRPC_OK);
    if (outcome.received != 5 || outcome.last != 5)
        side_die("a stream: %llu messages", (unsigned long long)outcome.received);
    request.interval_ns = 0;
    (void)start("Watch", &request.base, false, true);
    await("a refused stream", TTRPC_FAILED_PRECONDITION);
}

/* Opened without a message, with one, and with an empty one. */
static void check_client_stream(void)
{
    static const struct {
        const char *name;
        bool with_first;
        uint64_t first;
    } cases[] = {{"without", false, 0}, {"with one", true, 5}, {"with an empty one", true, 0}};

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        Vmreclaim__Agent__V1__ReclaimCacheRequest request =
            VMRECLAIM__AGENT__V1__RECLAIM_CACHE_REQUEST__INIT;
        struct ttrpc_client_call *call;

        request.bytes = cases[i].first;
        call = start("ReclaimCache", cases[i].with_first ? &request.base : NULL, true, false);
        for (request.bytes = 0; request.bytes < 3; request.bytes++)
            if (ttrpc_client_call_send(call, &request.base) < 0)
                side_die("a message of a stream could not be sent");
        (void)ttrpc_client_call_half_close(call);
        await("a stream of requests", TTRPC_OK);
        if (outcome.messages != (cases[i].with_first ? 4 : 3) ||
            outcome.bytes != 3 + cases[i].first)
            side_die("a stream opened %s: %llu messages, %llu bytes", cases[i].name,
                     (unsigned long long)outcome.messages, (unsigned long long)outcome.bytes);
    }
}

static void check_both_stream(void)
{
    Vmreclaim__Agent__V1__ListFreeRangesRequest request =
        VMRECLAIM__AGENT__V1__LIST_FREE_RANGES_REQUEST__INIT;
    struct ttrpc_client_call *call = start("ListFreeRanges", NULL, true, true);

    for (request.start = 0; request.start < 10; request.start++) {
        if (ttrpc_client_call_send(call, &request.base) < 0)
            side_die("a message of both ways could not be sent");
        while (outcome.received <= request.start && !outcome.done)
            uv_run(loop, UV_RUN_ONCE);
        if (outcome.last != request.start)
            side_die("both ways: %s '%s'", ttrpc_code_name(outcome.code), outcome.text);
    }
    (void)ttrpc_client_call_half_close(call);
    await("both ways", TTRPC_OK);
}

static void check(const char *path)
{
    connection = side_connect(loop, path);
    check_server_stream();
    check_client_stream();
    check_both_stream();
    ttrpc_connection_close(connection);
    uv_run(loop, UV_RUN_DEFAULT);
    puts("ok");
}

int main(int argc, char **argv)
{
    loop = uv_default_loop();
    if (argc != 3)
        side_die("usage: streams server|client PATH");
    if (strcmp(argv[1], "server") == 0)
        side_serve(loop, argv[2], on_accept);
    else
        check(argv[2]);
    if (uv_loop_close(loop) < 0)
        side_die("the loop still has open handles");
    return 0;
}
