/* A client and a server on one loop, joined by a socketpair, or one of them against raw bytes. */
#ifndef VMRECLAIM_TESTS_UNIT_TTRPC_FIXTURE_H
#define VMRECLAIM_TESTS_UNIT_TTRPC_FIXTURE_H

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent.pb-c.h"
#include "common/ttrpc/ttrpc.h"
#include "tests/lib/loop.h"

#define AGENT (&vmreclaim__agent__v1__agent__descriptor)

enum method {
    METHOD_PING,
    METHOD_GET_INFO,
    METHOD_GET_MEMORY,
    METHOD_COMPACT,
    METHOD_RECLAIM_CACHE,
    METHOD_SET_REPORTING,
    METHOD_LIST_FREE_RANGES,
    METHOD_APPLY_POLICY,
    METHOD_WATCH,
    METHOD_COUNT,
};

/* How a connection ended. */
struct ending {
    bool done;
    int status;
    char reason[128];
};

struct fixture {
    uv_loop_t loop;
    struct ttrpc_connection *client;
    struct ttrpc_connection *server;
    struct ending client_ending;
    struct ending server_ending;
    int raw; /* the other end of a lone connection */
};

static inline void on_close(struct ttrpc_connection *connection, int status, const char *reason,
                            void *userdata)
{
    struct ending *ending = userdata;

    ending->done = true;
    ending->status = status;
    snprintf(ending->reason, sizeof(ending->reason), "%s", reason);
}

static inline struct ttrpc_connection *connect_end(struct fixture *fixture, int descriptor,
                                                   const struct ttrpc_limits *limits,
                                                   const struct ttrpc_service *const *services,
                                                   struct ending *ending)
{
    struct ttrpc_connection_options options = {
        .limits = limits == NULL ? ttrpc_limits_default : *limits,
        .services = services,
        .userdata = ending,
        .on_close = on_close,
    };
    struct ttrpc_connection *connection = NULL;

    if (ttrpc_connection_create(&fixture->loop, descriptor, &options, &connection) < 0)
        abort();
    return connection;
}

static inline void fixture_init(struct fixture *fixture, int descriptors[2])
{
    *fixture = (struct fixture){.raw = -1};
    if (uv_loop_init(&fixture->loop) < 0 ||
        socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, descriptors) < 0)
        abort();
}

static inline void fixture_init_pair(struct fixture *fixture,
                                     const struct ttrpc_service *const *services,
                                     const struct ttrpc_limits *limits)
{
    int descriptors[2];

    fixture_init(fixture, descriptors);
    fixture->client = connect_end(fixture, descriptors[0], limits, NULL, &fixture->client_ending);
    fixture->server =
        connect_end(fixture, descriptors[1], limits, services, &fixture->server_ending);
}

static inline void fixture_init_server(struct fixture *fixture,
                                       const struct ttrpc_service *const *services,
                                       const struct ttrpc_limits *limits)
{
    int descriptors[2];

    fixture_init(fixture, descriptors);
    fixture->raw = descriptors[0];
    fixture->server =
        connect_end(fixture, descriptors[1], limits, services, &fixture->server_ending);
}

static inline void fixture_init_client(struct fixture *fixture, const struct ttrpc_limits *limits)
{
    int descriptors[2];

    fixture_init(fixture, descriptors);
    fixture->raw = descriptors[0];
    fixture->client = connect_end(fixture, descriptors[1], limits, NULL, &fixture->client_ending);
}

static inline void fixture_finish(struct fixture *fixture)
{
    if (fixture->client != NULL && !fixture->client_ending.done)
        ttrpc_connection_close(fixture->client);
    if (fixture->server != NULL && !fixture->server_ending.done)
        ttrpc_connection_close(fixture->server);
    loop_finish(&fixture->loop);
    if (fixture->raw >= 0)
        close(fixture->raw);
}

/* What came of a call. */
struct outcome {
    bool done;
    unsigned results;
    unsigned messages;
    enum ttrpc_code code;
    bool is_lost;
    char message[512];
    bool has_response;
    uint64_t nonce;         /* of a PingResponse */
    uint64_t sequences[64]; /* of WatchResponses */
};

static inline void on_result(const struct ttrpc_result *result, void *userdata)
{
    struct outcome *outcome = userdata;

    outcome->done = true;
    outcome->results++;
    outcome->code = result->code;
    outcome->is_lost = result->is_lost;
    outcome->has_response = result->response != NULL;
    snprintf(outcome->message, sizeof(outcome->message), "%s", result->message);
    if (result->response != NULL &&
        result->response->descriptor == &vmreclaim__agent__v1__ping_response__descriptor)
        outcome->nonce = ((const Vmreclaim__Agent__V1__PingResponse *)result->response)->nonce;
}

static inline void on_message(const ProtobufCMessage *message, void *userdata)
{
    struct outcome *outcome = userdata;
    const Vmreclaim__Agent__V1__WatchResponse *response =
        (const Vmreclaim__Agent__V1__WatchResponse *)message;

    if (outcome->messages < 64)
        outcome->sequences[outcome->messages] = response->sequence;
    outcome->messages++;
}

static inline int call_ping(struct fixture *fixture, uint64_t nonce, nsec_t timeout,
                            struct outcome *outcome, struct ttrpc_client_call **ret_call)
{
    Vmreclaim__Agent__V1__PingRequest request = VMRECLAIM__AGENT__V1__PING_REQUEST__INIT;

    request.nonce = nonce;
    return ttrpc_call_unary(fixture->client, AGENT, "Ping", &request.base, timeout, on_result,
                            outcome, ret_call);
}

static inline int call_watch(struct fixture *fixture, nsec_t interval, nsec_t timeout,
                             struct outcome *outcome, struct ttrpc_client_call **ret_call)
{
    Vmreclaim__Agent__V1__WatchRequest request = VMRECLAIM__AGENT__V1__WATCH_REQUEST__INIT;

    request.interval_ns = interval;
    return ttrpc_call_stream(fixture->client, AGENT, "Watch", &request.base, timeout, on_message,
                             on_result, outcome, ret_call);
}

#endif
