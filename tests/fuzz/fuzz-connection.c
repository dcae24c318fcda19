/* A whole server or client connection against a peer that writes the input and hangs up. The first
 * byte chooses the end and whether the peer may be hostile. Methods of every kind are served; the
 * client has a call of each open. */
#include <sys/socket.h>
#include <unistd.h>

#include "agent.pb-c.h"
#include "common/ttrpc/ttrpc.h"
#include "tests/fuzz/fuzz.h"

#define AGENT          (&vmreclaim__agent__v1__agent__descriptor)
#define METHOD_STREAMS 3

static unsigned live_calls;
static unsigned results;

static void unary(struct ttrpc_call *call, const ProtobufCMessage *request, void *userdata)
{
    ttrpc_call_fail(call, TTRPC_ABORTED, "%s", request->descriptor->short_name);
}

static void on_cancel(struct ttrpc_call *call, void *userdata)
{
    live_calls--;
}

static void on_request_message(struct ttrpc_call *call, const ProtobufCMessage *message,
                               void *userdata)
{
    if (message == NULL) {
        live_calls--;
        ttrpc_call_finish(call, NULL);
    }
}

static void stream(struct ttrpc_call *call, const ProtobufCMessage *request, void *userdata)
{
    live_calls++;
    ttrpc_call_on_cancel(call, on_cancel, NULL);
    ttrpc_call_on_message(call, on_request_message, NULL);
}

static const ttrpc_handler handlers[] = {
    unary, unary, unary, stream, unary, unary, unary, stream, NULL,
};

static const struct ttrpc_service service = {
    .descriptor = &vmreclaim__agent__v1__agent__descriptor,
    .handlers = handlers,
    .streams = 1u << 7,
    .client_streams = 1u << METHOD_STREAMS | 1u << 7,
};

static const struct ttrpc_service *const services[] = {&service, NULL};

static void on_message(const ProtobufCMessage *message, void *userdata)
{
    require(message != NULL);
}

static void on_result(const struct ttrpc_result *result, void *userdata)
{
    require(result->message != NULL);
    results++;
}

static void start_call(struct ttrpc_connection *connection, const char *method,
                       ttrpc_message_callback callback)
{
    struct ttrpc_request request = {
        .service = AGENT,
        .method = method,
        .open = true,
        .on_message = callback,
        .on_result = on_result,
    };

    require(ttrpc_call_start(connection, &request, NULL) == 0);
}

static void on_close(struct ttrpc_connection *connection, int status, const char *reason,
                     void *userdata)
{
    require(reason[0] != '\0');
    *(int *)userdata = 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct ttrpc_share share = {.permyriad = 1, .debt_max = NSEC_PER_MSEC};
    static uv_loop_t loop;
    static int initialised;
    static uint8_t answers[65536];
    int pair[2], closed = 0;
    struct ttrpc_connection *connection;
    struct ttrpc_connection_options options = {
        .limits = {.frame_bytes = 1024, .streams = 3, .queued_bytes = 4096},
        .userdata = &closed,
        .on_close = on_close,
    };

    if (size == 0 || size > 8192)
        return 0;
    if (!initialised++)
        require(uv_loop_init(&loop) == 0);
    require(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) == 0);
    options.services = data[0] % 2 == 0 ? services : NULL;
    if ((data[0] & 2) != 0) {
        options.limits.elements = 16;
        options.limits.frame_by_frame = true;
        options.processor = &share;
    }
    /* The socket is full at once, so that the server holds back. */
    if ((data[0] & 4) != 0)
        require(setsockopt(pair[1], SOL_SOCKET, SO_SNDBUF, &(int){1}, sizeof(int)) == 0);
    require(ttrpc_connection_create(&loop, pair[1], &options, &connection) == 0);
    results = 0;
    if (options.services == NULL) {
        start_call(connection, "GetInfo", NULL);
        start_call(connection, "Watch", on_message);
    }
    require(write(pair[0], data + 1, size - 1) == (ssize_t)size - 1);
    require(shutdown(pair[0], SHUT_WR) == 0);
    while (!closed) {
        uv_run(&loop, UV_RUN_ONCE);
        while (recv(pair[0], answers, sizeof(answers), MSG_DONTWAIT) > 0)
            ;
    }
    uv_run(&loop, UV_RUN_DEFAULT);
    require(live_calls == 0);
    require(options.services != NULL || results == 2);
    close(pair[0]);
    return 0;
}
