/* The server's end: the peer's calls on us.
 *
 * A call lives from its Request frame until the handler ends it, its deadline passes or the
 * connection closes; only the first is the handler's doing. In the other cases on_cancel tells the
 * handler and the call is freed; a handler that set none keeps a detached call, whose messages go
 * nowhere, until it ends it. Error codes and texts are those of the Go server where it has them. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/ttrpc/connection.h"

#define ERROR_TEXT_SIZE 512
#define ECHO_MAX        100 /* bytes of a peer's name that an error repeats */

struct ttrpc_call {
    struct list link;                    /* of connection->calls */
    struct ttrpc_connection *connection; /* NULL: detached */
    const struct ttrpc_service *service;
    unsigned method; /* index into the service */
    uint32_t stream;
    bool half_closed; /* the client sends no more */
    struct deadline deadline;
    nsec_t due; /* NSEC_INFINITY: no deadline */
    void (*on_cancel)(struct ttrpc_call *call, void *userdata);
    void *cancel_userdata;
    void (*on_message)(struct ttrpc_call *call, const ProtobufCMessage *message, void *userdata);
    void *message_userdata;
    void (*on_drain)(struct ttrpc_call *call, void *userdata);
    void *drain_userdata;
};

const size_t server_call_size = sizeof(struct ttrpc_call);

static bool has_bit(uint64_t bits, unsigned index)
{
    return index < 64 && (bits >> index & 1) != 0;
}

static bool streams_responses(const struct ttrpc_call *call)
{
    return has_bit(call->service->streams, call->method);
}

static bool streams_requests(const struct ttrpc_call *call)
{
    return has_bit(call->service->client_streams, call->method);
}

/* ---- answering ---- */

static void send_response(struct ttrpc_connection *connection, uint32_t stream,
                          struct envelope_response_source *source, size_t size)
{
    struct frame_header header = {
        .length = (uint32_t)size,
        .stream = stream,
        .type = FRAME_RESPONSE,
    };
    uint8_t *payload = connection_append(connection, &header, false);

    if (payload != NULL)
        envelope_write_response(source, payload);
}

static void send_error(struct ttrpc_connection *connection, uint32_t stream, enum ttrpc_code code,
                       const char *message)
{
    struct envelope_response_source source = {.code = code, .message = message};

    send_response(connection, stream, &source, envelope_size_response(&source));
}

static void printf_like(4, 5) refuse(struct ttrpc_connection *connection, uint32_t stream,
                                     enum ttrpc_code code, const char *format, ...)
{
    char text[ERROR_TEXT_SIZE];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    send_error(connection, stream, code, text);
}

static void refuse_oversized(struct ttrpc_connection *connection, const struct frame_header *header)
{
    refuse(connection, header->stream, TTRPC_RESOURCE_EXHAUSTED,
           "message length %u exceed maximum message size of %u", header->length,
           connection->parser.limit);
}

/* The last frame of a call that went well. */
static void send_final(struct ttrpc_call *call, const ProtobufCMessage *response, size_t size)
{
    struct frame_header header = {
        .length = (uint32_t)size,
        .stream = call->stream,
        .type = FRAME_DATA,
        .flags = FRAME_REMOTE_CLOSED,
    };
    uint8_t *payload;

    if (response == NULL)
        header.flags |= FRAME_NO_DATA;
    payload = connection_append(call->connection, &header, false);
    if (payload != NULL && response != NULL)
        (void)protobuf_c_message_pack(response, payload);
}

/* ---- the life of a call ---- */

static void detach(struct ttrpc_call *call)
{
    struct ttrpc_connection *connection = call->connection;

    ttrpc_loop_clear_deadline(connection->loop, &call->deadline);
    list_remove(&call->link);
    connection->call_count--;
    call->connection = NULL;
}

static void destroy(struct ttrpc_call *call)
{
    if (call->connection != NULL)
        detach(call);
    free(call);
}

/* Ends the call over the handler's head. */
static void cancel(struct ttrpc_call *call)
{
    detach(call);
    if (call->on_cancel == NULL)
        return; /* the handler still holds it */
    call->on_cancel(call, call->cancel_userdata);
    free(call);
}

static void cancel_with_error(struct ttrpc_call *call, enum ttrpc_code code, const char *message)
{
    struct ttrpc_connection *connection = call->connection;
    uint32_t stream = call->stream;

    cancel(call);
    send_error(connection, stream, code, message);
}

static void on_deadline(struct deadline *deadline)
{
    cancel_with_error(container_of(deadline, struct ttrpc_call, deadline), TTRPC_DEADLINE_EXCEEDED,
                      "context deadline exceeded");
}

static struct ttrpc_call *find_call(struct ttrpc_connection *connection, uint32_t stream)
{
    list_for_each (link, &connection->calls) {
        struct ttrpc_call *call = list_entry(link, struct ttrpc_call, link);

        if (call->stream == stream)
            return call;
    }
    return NULL;
}

static struct ttrpc_call *create_call(struct ttrpc_connection *connection, uint32_t stream,
                                      const struct ttrpc_service *service, unsigned method,
                                      int64_t timeout_ns)
{
    struct ttrpc_call *call = malloc(sizeof(*call));

    if (call == NULL) {
        connection_fail(connection, -ENOMEM, "no memory for a call");
        return NULL;
    }
    *call = (struct ttrpc_call){
        .connection = connection,
        .service = service,
        .method = method,
        .stream = stream,
        .due = NSEC_INFINITY,
    };
    list_append(&connection->calls, &call->link);
    connection->call_count++;
    deadline_init(&call->deadline, on_deadline);
    if (timeout_ns > 0) {
        call->due = time_monotonic() + (nsec_t)timeout_ns;
        ttrpc_loop_set_deadline(connection->loop, &call->deadline, call->due);
    }
    return call;
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

    connection->handled = call;
    connection->handled_request = request;
    call->service->handlers[call->method](call, message, connection->options.userdata);
    connection->handled = NULL;
    connection->handled_request = NULL;
    arena_reset(&connection->loop->arena);
}

/* Hands one message of a streamed request over. The call may be gone afterwards. */
static void deliver(struct ttrpc_call *call, struct slice payload)
{
    struct ttrpc_connection *connection = call->connection;
    const ProtobufCMessageDescriptor *input =
        call->service->descriptor->methods[call->method].input;
    ProtobufCMessage *message = connection_decode(connection, input, payload);

    if (message == NULL)
        cancel_with_error(call, TTRPC_INTERNAL, "ttrpc: error unmarshalling payload");
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

    if (message == NULL) {
        refuse(connection, call->stream, TTRPC_INTERNAL, "ttrpc: error unmarshalling payload");
        destroy(call);
        arena_reset(&connection->loop->arena);
        return;
    }
    call->half_closed = true;
    run_handler(call, request, message);
}

/* The first message may come with the request or not; without REMOTE_OPEN it is also the last. */
static void begin_client_stream(struct ttrpc_call *call, const struct envelope_request *request,
                                bool open)
{
    struct ttrpc_connection *connection = call->connection;
    uint32_t stream = call->stream;

    run_handler(call, request, NULL);
    call = find_call(connection, stream);
    if (call != NULL && request->payload.data != NULL)
        deliver(call, request->payload);
    call = find_call(connection, stream);
    if (call != NULL && !open)
        half_close(call);
}

static void begin_call(struct ttrpc_connection *connection, const struct frame_header *header,
                       const struct ttrpc_service *service, unsigned method,
                       const struct envelope_request *request)
{
    struct ttrpc_call *call;

    if (connection->call_count >= connection->options.limits.streams) {
        refuse(connection, header->stream, TTRPC_RESOURCE_EXHAUSTED,
               "%u calls are open on this connection, which is the limit", connection->call_count);
        return;
    }
    if (request->timeout_ns < 0) {
        refuse(connection, header->stream, TTRPC_DEADLINE_EXCEEDED, "context deadline exceeded");
        return;
    }
    call = create_call(connection, header->stream, service, method, request->timeout_ns);
    if (call == NULL)
        return;
    if (streams_requests(call))
        begin_client_stream(call, request, (header->flags & FRAME_REMOTE_OPEN) != 0);
    else
        begin_unary(call, request);
}

static void receive_request(struct ttrpc_connection *connection, const struct frame *frame)
{
    const struct frame_header *header = &frame->header;
    struct envelope_request request;
    const struct ttrpc_service *service;
    unsigned method;

    if (header->stream <= connection->last_stream) {
        refuse(connection, header->stream, TTRPC_INVALID_ARGUMENT,
               "StreamID cannot be re-used and must increment");
        return;
    }
    connection->last_stream = header->stream;
    if (envelope_decode_request(frame->payload, header->length, &request) < 0) {
        refuse(connection, header->stream, TTRPC_INVALID_ARGUMENT, "unmarshal request error");
        return;
    }
    service = find_service(connection, request.service);
    if (service == NULL)
        refuse(connection, header->stream, TTRPC_UNIMPLEMENTED, "service %.*s",
               (int)min_of(request.service.length, (size_t)ECHO_MAX),
               (const char *)request.service.data);
    else if (!find_method(service, request.method, &method))
        refuse(connection, header->stream, TTRPC_UNIMPLEMENTED, "method %.*s",
               (int)min_of(request.method.length, (size_t)ECHO_MAX),
               (const char *)request.method.data);
    else
        begin_call(connection, header, service, method, &request);
}

/* ---- stream data ---- */

static void receive_data(struct ttrpc_connection *connection, const struct frame *frame)
{
    const struct frame_header *header = &frame->header;
    struct slice payload = {.data = frame->payload, .length = header->length};
    struct ttrpc_call *call = find_call(connection, header->stream);

    if (call == NULL) {
        refuse(connection, header->stream, TTRPC_INVALID_ARGUMENT, "StreamID is no longer active");
        return;
    }
    if ((header->flags & FRAME_NO_DATA) == 0) {
        if (call->half_closed) {
            cancel_with_error(call, TTRPC_INVALID_ARGUMENT,
                              "data on a stream that the client has closed");
            return;
        }
        deliver(call, payload);
        call = find_call(connection, header->stream);
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

/* ---- what the connection tells ---- */

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
        cancel(list_entry(connection->calls.next, struct ttrpc_call, link));
}

/* ---- what the handler does ---- */

void *ttrpc_call_connection_userdata(const struct ttrpc_call *call)
{
    return call->connection == NULL ? NULL : call->connection->options.userdata;
}

nsec_t ttrpc_call_deadline(const struct ttrpc_call *call)
{
    return call->due;
}

int ttrpc_call_metadata(const struct ttrpc_call *call, const char *key, char *buffer, size_t size)
{
    struct slice value;
    int r;

    if (call->connection == NULL || call->connection->handled != call)
        return -ENOENT;
    r = envelope_find_metadata(call->connection->handled_request, key, &value);
    if (r < 0)
        return r;
    if (value.length >= size)
        return -ENOSPC;
    if (value.length > 0)
        memcpy(buffer, value.data, value.length);
    buffer[value.length] = '\0';
    return 0;
}

void ttrpc_call_on_cancel(struct ttrpc_call *call,
                          void (*on_cancel)(struct ttrpc_call *call, void *userdata),
                          void *userdata)
{
    call->on_cancel = on_cancel;
    call->cancel_userdata = userdata;
}

void ttrpc_call_on_message(struct ttrpc_call *call,
                           void (*on_message)(struct ttrpc_call *call,
                                              const ProtobufCMessage *message, void *userdata),
                           void *userdata)
{
    call->on_message = on_message;
    call->message_userdata = userdata;
}

void ttrpc_call_on_drain(struct ttrpc_call *call,
                         void (*on_drain)(struct ttrpc_call *call, void *userdata), void *userdata)
{
    call->on_drain = on_drain;
    call->drain_userdata = userdata;
}

int ttrpc_call_send(struct ttrpc_call *call, const ProtobufCMessage *message)
{
    if (call->connection == NULL)
        return -EPIPE;
    return connection_send_data(call->connection, call->stream, 0, message, false);
}

int ttrpc_call_send_urgent(struct ttrpc_call *call, const ProtobufCMessage *message)
{
    if (call->connection == NULL)
        return -EPIPE;
    return connection_send_data(call->connection, call->stream, 0, message, true);
}

void ttrpc_call_finish(struct ttrpc_call *call, const ProtobufCMessage *response)
{
    struct envelope_response_source source = {.response = response};
    size_t size;

    if (call->connection == NULL) {
        destroy(call);
        return;
    }
    if (streams_responses(call))
        size = response == NULL ? 0 : protobuf_c_message_get_packed_size(response);
    else
        size = envelope_size_response(&source);
    if (size > FRAME_PAYLOAD_MAX) {
        ttrpc_call_fail(call, TTRPC_RESOURCE_EXHAUSTED, "the response has %zu bytes, more than %u",
                        size, FRAME_PAYLOAD_MAX);
        return;
    }
    if (streams_responses(call))
        send_final(call, response, size);
    else
        send_response(call->connection, call->stream, &source, size);
    destroy(call);
}

void ttrpc_call_fail(struct ttrpc_call *call, enum ttrpc_code code, const char *format, ...)
{
    char text[ERROR_TEXT_SIZE];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    if (call->connection != NULL)
        send_error(call->connection, call->stream, code, text);
    destroy(call);
}
