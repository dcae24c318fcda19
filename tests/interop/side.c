/* What our sides share. */
#include "tests/interop/side.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "agent.pb-c.h"

void side_die(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    exit(1);
}

static struct address address_of(const char *path)
{
    struct address address = {.kind = ADDRESS_UNIX};

    snprintf(address.path, sizeof(address.path), "%s", path);
    return address;
}

static void on_input(uv_poll_t *poll, int status, int events)
{
    char byte;

    if (read(STDIN_FILENO, &byte, 1) == 0)
        uv_close((uv_handle_t *)poll, NULL);
}

void side_serve(uv_loop_t *loop, const char *path, listener_callback on_accept)
{
    struct address address = address_of(path);
    struct listener *listener;
    struct error error;
    uv_poll_t input;

    if (listener_create(loop, &address, 0600, on_accept, loop, &listener, &error) < 0)
        side_die("%s", error.text);
    (void)uv_poll_init(loop, &input, STDIN_FILENO);
    (void)uv_poll_start(&input, UV_READABLE, on_input);
    while (!uv_is_closing((uv_handle_t *)&input))
        uv_run(loop, UV_RUN_ONCE);
    listener_destroy(listener);
    uv_run(loop, UV_RUN_DEFAULT);
}

static void on_dialled(int descriptor, const struct error *error, void *userdata)
{
    if (descriptor < 0)
        side_die("%s", error->text);
    *(int *)userdata = descriptor;
}

struct ttrpc_connection *side_connect(uv_loop_t *loop, const char *path)
{
    struct ttrpc_connection_options options = {.limits = ttrpc_limits_default};
    struct address address = address_of(path);
    struct ttrpc_connection *connection;
    int descriptor = -1;

    if (dial_start(loop, &address, 0, on_dialled, &descriptor, NULL) < 0)
        side_die("no memory");
    while (descriptor < 0)
        uv_run(loop, UV_RUN_ONCE);
    if (ttrpc_connection_create(loop, descriptor, &options, &connection) < 0)
        side_die("no connection");
    return connection;
}

static void on_range_message(struct ttrpc_call *call, const ProtobufCMessage *message,
                             void *userdata)
{
    Vmreclaim__Agent__V1__ListFreeRangesResponse response =
        VMRECLAIM__AGENT__V1__LIST_FREE_RANGES_RESPONSE__INIT;
    Vmreclaim__Agent__V1__Range range = VMRECLAIM__AGENT__V1__RANGE__INIT;
    Vmreclaim__Agent__V1__Range *ranges = &range;

    if (message == NULL) {
        ttrpc_call_finish(call, NULL);
        return;
    }
    range.start = ((const Vmreclaim__Agent__V1__ListFreeRangesRequest *)message)->start;
    response.ranges = &ranges;
    response.n_ranges = 1;
    (void)ttrpc_call_send(call, &response.base);
}

void side_list_free_ranges(struct ttrpc_call *call, const ProtobufCMessage *request, void *userdata)
{
    ttrpc_call_on_message(call, on_range_message, NULL);
}
