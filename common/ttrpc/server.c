/* The server's end: what the peer sends. Error codes and texts are those of the Go server where it
 * has them. */
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

#include "common/base/text.h"
#include "common/ttrpc/server.h"

#define ERROR_TEXT_SIZE 512
#define ECHO_MAX        100 /* bytes of a peer's name that an error repeats */
#define LONG_TEXT_SIZE  128 /* of the words about a text that is too long */

static void printf_like(4, 5) refuse(struct ttrpc_connection *connection, uint32_t stream,
                                     enum ttrpc_code code, const char *format, ...)
{
    char text[ERROR_TEXT_SIZE];
    va_list arguments;

    va_start(arguments, format);
    text_format_list(text, sizeof(text), format, arguments);
    va_end(arguments);
    server_send_error(connection, stream, code, text);
}

static void refuse_oversized(struct ttrpc_connection *connection, const struct frame_header *header)
{
    refuse(connection, header->stream, TTRPC_RESOURCE_EXHAUSTED,
           "message length %u exceed maximum message size of %u", header->length,
           connection->parser.limit);
}

/* ---- requests ---- */

static const struct ttrpc_service *find_service(const struct ttrpc_connection *connection,
                                                struct slice name)
{
    for (const struct ttrpc_service *const *service = connection->options.services;
         *service != NULL; service++)
        if (slice_equals(name, (*service)->descriptor->name))
            return *service;
    return NULL;
}

/* True when the service has a handler for the method. */
static bool find_method(const struct ttrpc_service *service, struct slice name,
                        unsigned *ret_method)
{
    for (unsigned i = 0; i < service->descriptor->n_methods; i++)
        if (slice_equals(name, service->descriptor->methods[i].name)) {
            *ret_method = i;
            return service->handlers[i] != NULL;
        }
    return false;
}

static void run_handler(struct ttrpc_call *call, const struct envelope_request *request,
                        const ProtobufCMessage *message)
{
    struct ttrpc_connection *connection = call->connection;

    assert(connection->handled == NULL); /* handlers do not nest */
    connection->handled = call;
    connection->handled_request = request;
    call->service->handlers[call->method](call, message, connection->options.userdata);
    connection->handled = NULL;
    connection->handled_request = NULL;
    arena_reset(&connection->loop->arena);
}

/* False, with words for the peer: a text of the request is longer than it may be. */
static bool texts_fit(const struct ttrpc_call *call, struct slice payload, char *why, size_t size)
{
    const struct ttrpc_limits *limits = &call->connection->options.limits;
    const ProtobufCMessageDescriptor *input =
        call->service->descriptor->methods[call->method].input;
    const ProtobufCFieldDescriptor *field;
    size_t length;
    size_t most;

    if (limits->text_bytes == 0)
        return true;
    field = wire_find_long_text(input, payload, limits, &length, &most);
    if (field != NULL)
        snprintf(why, size, "%s has %zu bytes; at most %zu are taken", field->name, length, most);
    return field == NULL;
}

/* Hands one message of a streamed request over. The call may be gone afterwards. */
static void deliver(struct ttrpc_call *call, struct slice payload)
{
    struct ttrpc_connection *connection = call->connection;
    const ProtobufCMessageDescriptor *input =
        call->service->descriptor->methods[call->method].input;
    ProtobufCMessage *message = connection_decode(connection, input, payload);
    char why[LONG_TEXT_SIZE];

    if (message == NULL)
        call_cancel_with_error(call, TTRPC_INTERNAL, "ttrpc: error unmarshalling payload");
    else if (!texts_fit(call, payload, why, sizeof(why)))
        call_cancel_with_error(call, TTRPC_INVALID_ARGUMENT, why);
    else if (call->on_message != NULL)
        call->on_message(call, message, call->message_userdata);
    arena_reset(&connection->loop->arena);
}

static void half_close(struct ttrpc_call *call)
{
    if (call->half_closed)
        return;
    call->half_closed = true;
    if (call->on_message != NULL)
        call->on_message(call, NULL, call->message_userdata);
}

static void begin_unary(struct ttrpc_call *call, const struct envelope_request *request)
{
    struct ttrpc_connection *connection = call->connection;
    const ProtobufCMessageDescriptor *input =
        call->service->descriptor->methods[call->method].input;
    ProtobufCMessage *message = connection_decode(connection, input, request->payload);
    char why[LONG_TEXT_SIZE];
    bool fits = message != NULL && texts_fit(call, request->payload, why, sizeof(why));

    if (fits) {
        call->half_closed = true;
        run_handler(call, request, message);
        return;
    }
    if (message == NULL)
        refuse(connection, call->stream, TTRPC_INTERNAL, "ttrpc: error unmarshalling payload");
    else
        refuse(connection, call->stream, TTRPC_INVALID_ARGUMENT, "%s", why);
    call_destroy(call);
    arena_reset(&connection->loop->arena);
}

/* The first message may come with the request or not; without REMOTE_OPEN it is also the last. */
static void begin_client_stream(struct ttrpc_call *call, const struct envelope_request *request,
                                uint8_t flags)
{
    struct ttrpc_connection *connection = call->connection;
    uint32_t stream = call->stream;

    run_handler(call, request, NULL);
    call = call_find(connection, stream);
    if (call != NULL && request->payload.data != NULL && (flags & FRAME_NO_DATA) == 0)
        deliver(call, request->payload);
    call = call_find(connection, stream);
    if (call != NULL && (flags & FRAME_REMOTE_OPEN) == 0)
        half_close(call);
}

/* A stream without a deadline may be one that the client has forgotten: Go's sends nothing when the
 * context of a stream is cancelled. Of the calls that may be open a quarter is for others, so that
 * such a client still gets answers. Beyond, the oldest stream makes room for a new one. */
static void make_room_for_endless(struct ttrpc_connection *connection)
{
    uint32_t limit = connection->options.limits.streams;
    uint32_t count = 0;
    struct ttrpc_call *oldest = NULL;

    list_for_each (link, &connection->calls) {
        struct ttrpc_call *call = list_entry(link, struct ttrpc_call, link);

        if (call->due != NSEC_INFINITY || !service_streams(call->service, call->method))
            continue;
        count++;
        if (oldest == NULL || call->stream < oldest->stream)
            oldest = call;
    }
    if (oldest != NULL && count >= limit - limit / 4)
        call_cancel_with_error(oldest, TTRPC_RESOURCE_EXHAUSTED,
                               "a newer stream took the place of this one, the oldest without a "
                               "deadline on its connection");
}

static void begin_call(struct ttrpc_connection *connection, const struct frame_header *header,
                       const struct ttrpc_service *service, unsigned method,
                       const struct envelope_request *request)
{
    struct ttrpc_call *call;

    if (request->timeout_ns == 0 && service_streams(service, method))
        make_room_for_endless(connection);
    if (connection->state != CONNECTION_OPEN)
        return;
    if (connection->call_count >= connection->options.limits.streams) {
        refuse(connection, header->stream, TTRPC_RESOURCE_EXHAUSTED,
               "%u calls are open on this connection, which is the limit", connection->call_count);
        return;
    }
    if (request->timeout_ns < 0) {
        refuse(connection, header->stream, TTRPC_DEADLINE_EXCEEDED, "context deadline exceeded");
        return;
    }
    call = call_create(connection, header->stream, service, method, request->timeout_ns);
    if (call == NULL)
        return;
    assert(connection->call_count <= connection->options.limits.streams);
    if (service_streams_requests(service, method))
        begin_client_stream(call, request, header->flags);
    else
        begin_unary(call, request);
}

/* Whether the id is new. Ids ascend, but for those of calls that ttrpc-rust's clients make at once:
 * it numbers them before it queues them (src/asynchronous/client.rs at 36c12f374612). */
static bool take_stream(struct ttrpc_connection *connection, uint32_t stream)
{
    uint32_t distance;

    if (stream > connection->last_stream) {
        distance = (stream - connection->last_stream - 1) / 2 + 1; /* both odd, or the last is 0 */
        connection->streams_seen = distance < 64 ? connection->streams_seen << distance : 0;
        connection->streams_seen |= 1;
        connection->last_stream = stream;
        assert(stream % 2 == 1 && distance > 0);
        return true;
    }
    distance = (connection->last_stream - stream) / 2;
    if (distance >= 64 || (connection->streams_seen >> distance & 1) != 0)
        return false;
    connection->streams_seen |= UINT64_C(1) << distance;
    return true;
}

static void receive_request(struct ttrpc_connection *connection, const struct frame *frame)
{
    const struct frame_header *header = &frame->header;
    struct envelope_request request;
    const struct ttrpc_service *service;
    unsigned method;

    if (!take_stream(connection, header->stream)) {
        refuse(connection, header->stream, TTRPC_INVALID_ARGUMENT,
               "StreamID cannot be re-used and must increment");
        return;
    }
    if (envelope_decode_request(frame->payload, header->length, &request) < 0) {
        refuse(connection, header->stream, TTRPC_INVALID_ARGUMENT, "unmarshal request error");
        return;
    }
    service = find_service(connection, request.service);
    if (service == NULL)
        refuse(connection, header->stream, TTRPC_UNIMPLEMENTED, "service %.*s",
               (int)text_fit((const char *)request.service.data, request.service.length, ECHO_MAX),
               (const char *)request.service.data);
    else if (!find_method(service, request.method, &method))
        refuse(connection, header->stream, TTRPC_UNIMPLEMENTED, "method %.*s",
               (int)text_fit((const char *)request.method.data, request.method.length, ECHO_MAX),
               (const char *)request.method.data);
    else
        begin_call(connection, header, service, method, &request);
}

/* ---- stream data ---- */

static void receive_data(struct ttrpc_connection *connection, const struct frame *frame)
{
    const struct frame_header *header = &frame->header;
    struct slice payload = {.data = frame->payload, .length = header->length};
    struct ttrpc_call *call = call_find(connection, header->stream);

    if (call == NULL) {
        refuse(connection, header->stream, TTRPC_INVALID_ARGUMENT, "StreamID is no longer active");
        return;
    }
    if ((header->flags & FRAME_NO_DATA) == 0) {
        if (call->half_closed) {
            call_cancel_with_error(call, TTRPC_INVALID_ARGUMENT,
                                   "data on a stream that the client has closed");
            return;
        }
        deliver(call, payload);
        call = call_find(connection, header->stream);
    }
    if (call != NULL && (header->flags & FRAME_REMOTE_CLOSED) != 0)
        half_close(call);
}

void server_receive(struct ttrpc_connection *connection, const struct frame *frame)
{
    const struct frame_header *header = &frame->header;

    if (header->type != FRAME_REQUEST && header->type != FRAME_DATA)
        return; /* for the client's end, or of a later protocol */
    if (header->stream % 2 == 0)
        refuse(connection, header->stream, TTRPC_INVALID_ARGUMENT,
               "StreamID must be odd for client initiated streams");
    else if (frame->payload == NULL)
        refuse_oversized(connection, header);
    else if (header->type == FRAME_REQUEST)
        receive_request(connection, frame);
    else
        receive_data(connection, frame);
}

/* ---- what the connection reports ---- */

static struct ttrpc_call *find_waiting(struct ttrpc_connection *connection)
{
    list_for_each (link, &connection->calls) {
        struct ttrpc_call *call = list_entry(link, struct ttrpc_call, link);

        if (call->on_drain != NULL)
            return call;
    }
    return NULL;
}

/* At most as many callbacks as there are calls: one may ask again at once. */
void server_drained(struct ttrpc_connection *connection)
{
    uint64_t quarter = connection->options.limits.queued_bytes / 4;

    for (uint32_t left = connection->call_count; left > 0; left--) {
        struct ttrpc_call *call;
        void (*on_drain)(struct ttrpc_call * call, void *userdata);

        if (connection->state != CONNECTION_OPEN || connection->output.bytes >= quarter)
            return;
        call = find_waiting(connection);
        if (call == NULL)
            return;
        assert(connection->call_count > 0 && call->connection == connection);
        on_drain = call->on_drain;
        call->on_drain = NULL;
        list_remove(&call->link); /* to the end: the others get their turn */
        list_append(&connection->calls, &call->link);
        on_drain(call, call->drain_userdata);
    }
}

void server_end_calls(struct ttrpc_connection *connection)
{
    while (!list_is_empty(&connection->calls))
        call_cancel(list_entry(connection->calls.next, struct ttrpc_call, link));
    assert(connection->call_count == 0);
}
