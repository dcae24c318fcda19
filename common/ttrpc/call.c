/* A call of the peer on us: its life, and what its handler does.
 *
 * A call lives from its Request frame until the handler ends it, its deadline passes or the
 * connection closes. Only the first is the handler's doing. In the other cases on_cancel notifies
 * the handler, and the call is freed. A handler that set none keeps a detached call, whose messages
 * go nowhere, until it ends it. */
#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/text.h"
#include "common/ttrpc/server.h"

#define ERROR_TEXT_SIZE 512

const size_t server_call_size = sizeof(struct ttrpc_call);

static bool has_bit(uint64_t bits, unsigned index)
{
    return index < 64 && (bits >> index & 1) != 0;
}

static bool streams_responses(const struct ttrpc_call *call)
{
    return has_bit(call->service->streams, call->method);
}

bool service_streams_requests(const struct ttrpc_service *service, unsigned method)
{
    return has_bit(service->client_streams, method);
}

bool service_streams(const struct ttrpc_service *service, unsigned method)
{
    return has_bit(service->streams | service->client_streams, method);
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

void server_send_error(struct ttrpc_connection *connection, uint32_t stream, enum ttrpc_code code,
                       const char *message)
{
    struct envelope_response_source source = {.code = code, .message = message};

    send_response(connection, stream, &source, envelope_size_response(&source));
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
        (void)wire_pack_message(response, payload);
}

/* ---- the life of a call ---- */

static void detach(struct ttrpc_call *call)
{
    struct ttrpc_connection *connection = call->connection;

    assert(connection->call_count > 0 && !list_is_empty(&call->link));
    ttrpc_loop_clear_deadline(connection->loop, &call->deadline);
    list_remove(&call->link);
    connection->call_count--;
    connection->used = time_monotonic();
    call->connection = NULL;
}

void call_destroy(struct ttrpc_call *call)
{
    if (call->connection != NULL)
        detach(call);
    free(call);
}

void call_cancel(struct ttrpc_call *call)
{
    detach(call);
    if (call->on_cancel == NULL)
        return; /* the handler still holds it */
    call->on_cancel(call, call->cancel_userdata);
    free(call);
}

void call_cancel_with_error(struct ttrpc_call *call, enum ttrpc_code code, const char *message)
{
    struct ttrpc_connection *connection = call->connection;
    uint32_t stream = call->stream;

    call_cancel(call);
    server_send_error(connection, stream, code, message);
}

static void on_deadline(struct deadline *deadline)
{
    call_cancel_with_error(container_of(deadline, struct ttrpc_call, deadline),
                           TTRPC_DEADLINE_EXCEEDED, "context deadline exceeded");
}

struct ttrpc_call *call_find(struct ttrpc_connection *connection, uint32_t stream)
{
    list_for_each (link, &connection->calls) {
        struct ttrpc_call *call = list_entry(link, struct ttrpc_call, link);

        if (call->stream == stream)
            return call;
    }
    return NULL;
}

struct ttrpc_call *call_create(struct ttrpc_connection *connection, uint32_t stream,
                               const struct ttrpc_service *service, unsigned method,
                               int64_t timeout_ns)
{
    struct ttrpc_call *call = malloc(sizeof(*call));

    assert(connection->state == CONNECTION_OPEN && stream % 2 == 1);
    assert(method < service->descriptor->n_methods);
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

static int send_message(struct ttrpc_call *call, const ProtobufCMessage *message, bool urgent)
{
    struct ttrpc_connection *connection = call->connection;
    nsec_t begun;
    int r;

    if (connection == NULL)
        return -EPIPE;
    begun = cost_begin_answer(connection);
    r = connection_send_data(connection, call->stream, 0, message, urgent);
    cost_end_answer(connection, begun);
    return r;
}

int ttrpc_call_send(struct ttrpc_call *call, const ProtobufCMessage *message)
{
    assert(call->connection == NULL || streams_responses(call));
    return send_message(call, message, false);
}

int ttrpc_call_send_urgent(struct ttrpc_call *call, const ProtobufCMessage *message)
{
    return send_message(call, message, true);
}

/* Ends the call, whose connection is there. */
static void finish(struct ttrpc_call *call, const ProtobufCMessage *response)
{
    struct envelope_response_source source = {.response = response};
    size_t size;

    assert(response != NULL || service_streams(call->service, call->method));
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
    call_destroy(call);
}

void ttrpc_call_finish(struct ttrpc_call *call, const ProtobufCMessage *response)
{
    struct ttrpc_connection *connection = call->connection;
    nsec_t begun;

    if (connection == NULL) {
        call_destroy(call);
        return;
    }
    begun = cost_begin_answer(connection);
    finish(call, response);
    cost_end_answer(connection, begun);
}

void ttrpc_call_fail(struct ttrpc_call *call, enum ttrpc_code code, const char *format, ...)
{
    char text[ERROR_TEXT_SIZE];
    va_list arguments;

    va_start(arguments, format);
    text_format_list(text, sizeof(text), format, arguments);
    va_end(arguments);
    if (call->connection != NULL)
        server_send_error(call->connection, call->stream, code, text);
    call_destroy(call);
}
