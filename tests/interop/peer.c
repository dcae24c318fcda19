/* Our side of the interoperability tests, as peer.go is the other one: "peer server PATH" serves
 * until its standard input ends, "peer client PATH" checks the other's server and prints "ok". */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "agent.pb-c.h"
#include "common/transport/transport.h"
#include "common/ttrpc/ttrpc.h"
#include "tests/interop/side.h"

#define AGENT (&vmreclaim__agent__v1__agent__descriptor)

/* ---- server ---- */

static void ping(struct ttrpc_call *call, const ProtobufCMessage *request, void *userdata)
{
    Vmreclaim__Agent__V1__PingResponse response = VMRECLAIM__AGENT__V1__PING_RESPONSE__INIT;

    response.nonce = ((const Vmreclaim__Agent__V1__PingRequest *)request)->nonce;
    ttrpc_call_finish(call, &response.base);
}

static void compact(struct ttrpc_call *call, const ProtobufCMessage *request, void *userdata)
{
    Vmreclaim__Agent__V1__CompactResponse response = VMRECLAIM__AGENT__V1__COMPACT_RESPONSE__INIT;
    Vmreclaim__Agent__V1__ActionResult result = VMRECLAIM__AGENT__V1__ACTION_RESULT__INIT;

    result.action_id = ((const Vmreclaim__Agent__V1__CompactRequest *)request)->action_id;
    response.result = &result;
    ttrpc_call_finish(call, &response.base);
}

static void get_info(struct ttrpc_call *call, const ProtobufCMessage *request, void *userdata)
{
    char user[32] = "";

    (void)ttrpc_call_metadata(call, "user", user, sizeof(user));
    ttrpc_call_fail(call, TTRPC_PERMISSION_DENIED, "not for %s", user);
}

static void on_cancel(struct ttrpc_call *call, void *userdata)
{
}

/* Waits for the deadline. */
static void reclaim_cache(struct ttrpc_call *call, const ProtobufCMessage *request, void *userdata)
{
    ttrpc_call_on_cancel(call, on_cancel, NULL);
}

static const ttrpc_handler handlers[] = {
    ping, get_info, NULL, compact, reclaim_cache, NULL, NULL, NULL, NULL,
};

static const struct ttrpc_service service = {
    .descriptor = &vmreclaim__agent__v1__agent__descriptor,
    .handlers = handlers,
};

static const struct ttrpc_service *const services[] = {&service, NULL};

static void on_accept(int descriptor, const struct peer *peer, void *userdata)
{
    struct ttrpc_connection_options options = {
        .limits = ttrpc_limits_default,
        .services = services,
    };
    struct ttrpc_connection *connection;

    options.limits.streams = 256;
    if (ttrpc_connection_create(userdata, descriptor, &options, &connection) < 0)
        side_die("no connection");
}

/* ---- client ---- */

struct outcome {
    bool done;
    enum ttrpc_code code;
    char message[128];
    uint64_t nonce;
    size_t length; /* of the echoed text */
};

static void on_result(const struct ttrpc_result *result, void *userdata)
{
    struct outcome *outcome = userdata;
    const ProtobufCMessage *response = result->response;

    outcome->done = true;
    outcome->code = result->code;
    snprintf(outcome->message, sizeof(outcome->message), "%s", result->message);
    if (response == NULL)
        return;
    if (response->descriptor == &vmreclaim__agent__v1__ping_response__descriptor)
        outcome->nonce = ((const Vmreclaim__Agent__V1__PingResponse *)response)->nonce;
    if (response->descriptor == &vmreclaim__agent__v1__compact_response__descriptor)
        outcome->length =
            strlen(((const Vmreclaim__Agent__V1__CompactResponse *)response)->result->action_id);
}

static void start(struct ttrpc_connection *connection, const ProtobufCServiceDescriptor *descriptor,
                  const char *method, const ProtobufCMessage *message, nsec_t timeout,
                  struct outcome *outcome)
{
    static const struct ttrpc_metadata metadata[] = {{"user", "mallory"}};
    struct ttrpc_request request = {
        .service = descriptor,
        .method = method,
        .message = message,
        .timeout = timeout,
        .metadata = metadata,
        .metadata_count = 1,
        .on_result = on_result,
        .userdata = outcome,
    };

    *outcome = (struct outcome){0};
    if (ttrpc_call_start(connection, &request, NULL) < 0)
        side_die("%s could not be called", method);
}

static void await(uv_loop_t *loop, const char *name, struct outcome *outcome, enum ttrpc_code code,
                  const char *text)
{
    while (!outcome->done)
        uv_run(loop, UV_RUN_ONCE);
    if (outcome->code != code || strstr(outcome->message, text) == NULL)
        side_die("%s: got %s '%s', want %s '%s'", name, ttrpc_code_name(outcome->code),
                 outcome->message, ttrpc_code_name(code), text);
}

static void check_pings(uv_loop_t *loop, struct ttrpc_connection *connection)
{
    Vmreclaim__Agent__V1__PingRequest request = VMRECLAIM__AGENT__V1__PING_REQUEST__INIT;
    struct outcome outcomes[100];

    for (request.nonce = 0; request.nonce < 100; request.nonce++)
        start(connection, AGENT, "Ping", &request.base, 0, &outcomes[request.nonce]);
    for (uint64_t i = 0; i < 100; i++) {
        await(loop, "ping", &outcomes[i], TTRPC_OK, "");
        if (outcomes[i].nonce != i)
            side_die("ping %llu came back as %llu", (unsigned long long)i,
                     (unsigned long long)outcomes[i].nonce);
    }
}

static void check_text(uv_loop_t *loop, struct ttrpc_connection *connection)
{
    Vmreclaim__Agent__V1__CompactRequest request = VMRECLAIM__AGENT__V1__COMPACT_REQUEST__INIT;
    char text[50001];
    struct outcome outcome;

    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    request.action_id = text;
    start(connection, AGENT, "Compact", &request.base, 0, &outcome);
    await(loop, "50 kB both ways", &outcome, TTRPC_OK, "");
    if (outcome.length != sizeof(text) - 1)
        side_die("50 kB came back as %zu bytes", outcome.length);
}

/* The unknown names need a descriptor that claims them. */
static void check_errors(uv_loop_t *loop, struct ttrpc_connection *connection)
{
    Vmreclaim__Agent__V1__PingRequest request = VMRECLAIM__AGENT__V1__PING_REQUEST__INIT;
    ProtobufCMethodDescriptor method = AGENT->methods[0];
    ProtobufCServiceDescriptor unknown = *AGENT;
    struct outcome outcome;

    start(connection, AGENT, "GetInfo", &request.base, 0, &outcome);
    await(loop, "metadata", &outcome, TTRPC_PERMISSION_DENIED, "not for mallory");
    method.name = "Nothing";
    unknown.methods = &method;
    unknown.n_methods = 1;
    start(connection, &unknown, "Nothing", &request.base, 0, &outcome);
    await(loop, "method", &outcome, TTRPC_UNIMPLEMENTED, "Nothing");
    unknown.name = "demo.X";
    start(connection, &unknown, "Nothing", &request.base, 0, &outcome);
    await(loop, "service", &outcome, TTRPC_UNIMPLEMENTED, "demo.X");
    start(connection, AGENT, "ReclaimCache", &request.base, 20 * NSEC_PER_MSEC, &outcome);
    await(loop, "deadline", &outcome, TTRPC_DEADLINE_EXCEEDED, "");
}

static void check(uv_loop_t *loop, const char *path)
{
    struct ttrpc_connection *connection = side_connect(loop, path);

    check_pings(loop, connection);
    check_text(loop, connection);
    check_errors(loop, connection);
    check_pings(loop, connection);
    ttrpc_connection_close(connection);
    uv_run(loop, UV_RUN_DEFAULT);
    puts("ok");
}

int main(int argc, char **argv)
{
    uv_loop_t loop;

    if (argc != 3 || uv_loop_init(&loop) < 0)
        side_die("usage: peer server|client PATH");
    if (strcmp(argv[1], "server") == 0)
        side_serve(&loop, argv[2], on_accept);
    else
        check(&loop, argv[2]);
    if (uv_loop_close(&loop) < 0)
        side_die("the loop still has open handles");
    return 0;
}
