/* A controller that does nothing but watch one agent: for measuring what a quiet agent costs.
 * usage: watch-agent PATH, a UNIX socket to listen on; ends when killed. */
#include <stdio.h>
#include <stdlib.h>

#include "agent.pb-c.h"
#include "common/transport/transport.h"
#include "common/ttrpc/ttrpc.h"

static uv_loop_t loop;

static void on_message(const ProtobufCMessage *message, void *userdata)
{
}

static void on_result(const struct ttrpc_result *result, void *userdata)
{
    fprintf(stderr, "Watch ended: %s %s\n", ttrpc_code_name(result->code), result->message);
}

static void on_close(struct ttrpc_connection *connection, int status, const char *reason,
                     void *userdata)
{
    fprintf(stderr, "closed: %s\n", reason);
}

static void on_accept(int descriptor, const struct peer *peer, void *userdata)
{
    const struct ttrpc_connection_options options = {
        .limits = ttrpc_limits_default,
        .on_close = on_close,
    };
    Vmreclaim__Agent__V1__WatchRequest request = VMRECLAIM__AGENT__V1__WATCH_REQUEST__INIT;
    struct ttrpc_connection *connection;

    if (ttrpc_connection_create(&loop, descriptor, &options, &connection) < 0 ||
        ttrpc_call_stream(connection, &vmreclaim__agent__v1__agent__descriptor, "Watch",
                          &request.base, 0, on_message, on_result, NULL, NULL) < 0)
        abort();
}

int main(int argument_count, char **arguments)
{
    struct address address = {.kind = ADDRESS_UNIX};
    struct listener *listener;
    struct error error;

    if (argument_count != 2)
        return EXIT_FAILURE;
    snprintf(address.path, sizeof(address.path), "%s", arguments[1]);
    if (uv_loop_init(&loop) < 0 ||
        listener_create(&loop, &address, 0600, on_accept, NULL, &listener, &error) < 0)
        return EXIT_FAILURE;
    return uv_run(&loop, UV_RUN_DEFAULT);
}
