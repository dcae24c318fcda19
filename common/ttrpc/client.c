/* The client's end: our calls on the peer.
 *
 * A call lives from its start until its result: the peer's Response or last Data frame, its
 * deadline, or the end of the connection. It is unlinked and freed before the result callback
 * runs, so the callback may start another one or close the connection. What arrives for a stream
 * we do not know belongs to a call that was cancelled or timed out, and is ignored. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/text.h"
#include "common/ttrpc/connection.h"

struct ttrpc_client_call {
    struct list link; /* of connection->calls */
    struct ttrpc_connection *connection;
    const ProtobufCMessageDescriptor *output;
    uint32_t stream;
    uint32_t answers;                  /* so far */
    bool open;                         /* more messages of ours may follow */
    ttrpc_message_callback on_message; /* NULL: one response */
    ttrpc_result_callback on_result;
    void *userdata;
    struct deadline deadline;
};

const size_t client_call_size = sizeof(struct ttrpc_client_call);

static void destroy(struct ttrpc_client_call *call)
{
    assert(call->connection->call_count > 0 && !list_is_empty(&call->link));
    ttrpc_loop_clear_deadline(call->connection->loop, &call->deadline);
    list_remove(&call->link);
    call->connection->call_count--;
    free(call);
}

static void finish(struct ttrpc_client_call *call, const struct ttrpc_result *result)
{
    ttrpc_result_callback on_result = call->on_result;
    void *userdata = call->userdata;

    destroy(call);
    on_result(result, userdata);
}

static void finish_with_error(struct ttrpc_client_call *call, enum ttrpc_code code,
                              const char *message)
{
    finish(call, &(struct ttrpc_result){.code = code, .message = message});
}

static void finish_with_breach(struct ttrpc_client_call *call, enum ttrpc_code code,
                               const char *message)
{
    finish(call, &(struct ttrpc_result){.code = code, .message = message, .is_breach = true});
}

bool ttrpc_result_is_open(const struct ttrpc_result *result)
{
    return result->is_lost || result->code == TTRPC_DEADLINE_EXCEEDED;
}

static void on_deadline(struct deadline *deadline)
{
    finish_with_error(container_of(deadline, struct ttrpc_client_call, deadline),
                      TTRPC_DEADLINE_EXCEEDED, "no answer in time");
}

static struct ttrpc_client_call *find_call(struct ttrpc_connection *connection, uint32_t stream)
{
    list_for_each (link, &connection->calls) {
        struct ttrpc_client_call *call = list_entry(link, struct ttrpc_client_call, link);

        if (call->stream == stream)
            return call;
    }
    return NULL;
}

/* ---- receiving ---- */

/* The text of an error response, which is not ended with '\0' on the wire. */
static void finish_with_status(struct ttrpc_client_call *call,
                               const struct envelope_response *response)
{
    char text[512];

    text_copy_bytes(text, sizeof(text), (const char *)response->message.data,
                    response->message.length);
    text_make_safe(text, TEXT_ONE_LINE);
    finish_with_error(call, (enum ttrpc_code)response->code, text);
}

/* A streaming call takes a payload in its Response as the last message. */
static void finish_with_payload(struct ttrpc_client_call *call, struct slice payload)
{
    struct ttrpc_connection *connection = call->connection;
    uint32_t stream = call->stream;
    ProtobufCMessage *message = connection_decode(connection, call->output, payload);

    if (message == NULL) {
        finish_with_breach(call, TTRPC_INTERNAL, "the response cannot be decoded");
    } else if (call->on_message == NULL) {
        finish(call, &(struct ttrpc_result){.message = "", .response = message});
    } else {
        if (payload.length > 0)
            call->on_message(message, call->userdata);
        call = find_call(connection, stream); /* the callback may have cancelled it */
        if (call != NULL)
            finish_with_error(call, TTRPC_OK, "");
    }
    arena_reset(&connection->loop->arena);
}

/* The list of all free ranges of a fragmented guest of a terabyte has 2,000 messages. */
#define ANSWERS_MAX 4096

/* What a stream brings was asked for, too. But not without end, and not what one without a deadline
 * goes on sending. */
static void note_data(struct ttrpc_client_call *call)
{
    if (deadline_is_set(&call->deadline) && call->answers++ < ANSWERS_MAX)
        call->connection->answers++;
    assert(call->answers == 0 || call->connection->answers > 0);
}

static void receive_response(struct ttrpc_client_call *call, const struct frame *frame)
{
    struct envelope_response response;

    call->connection->answers++;
    if (envelope_decode_response(frame->payload, frame->header.length, &response) < 0)
        finish_with_breach(call, TTRPC_INTERNAL, "the response cannot be decoded");
    else if (response.code != TTRPC_OK)
        finish_with_status(call, &response);
    else
        finish_with_payload(call, response.payload);
}

static void deliver(struct ttrpc_client_call *call, struct slice payload)
{
    struct ttrpc_connection *connection = call->connection;
    ProtobufCMessage *message = connection_decode(connection, call->output, payload);

    assert(call->on_message != NULL);
    if (message == NULL)
        finish_with_breach(call, TTRPC_INTERNAL, "a message of the stream cannot be decoded");
    else
        call->on_message(message, call->userdata);
    arena_reset(&connection->loop->arena);
}

static void receive_data(struct ttrpc_client_call *call, const struct frame *frame)
{
    struct ttrpc_connection *connection = call->connection;
    struct slice payload = {.data = frame->payload, .length = frame->header.length};

    note_data(call);
    if (call->on_message == NULL) {
        finish_with_breach(call, TTRPC_INTERNAL, "stream data in answer to a single-response call");
        return;
    }
    if ((frame->header.flags & FRAME_NO_DATA) == 0)
        deliver(call, payload);
    if ((frame->header.flags & FRAME_REMOTE_CLOSED) == 0)
        return;
    call = find_call(connection, frame->header.stream);
    if (call != NULL)
        finish_with_error(call, TTRPC_OK, "");
}

void client_receive(struct ttrpc_connection *connection, const struct frame *frame)
{
    const struct frame_header *header = &frame->header;
    struct ttrpc_client_call *call;

    if (header->type != FRAME_RESPONSE && header->type != FRAME_DATA)
        return; /* for the server's end, or of a later protocol */
    call = find_call(connection, header->stream);
    if (call == NULL)
        return;
    if (frame->payload == NULL)
        finish_with_breach(call, TTRPC_RESOURCE_EXHAUSTED, "the answer is larger than we accept");
    else if (header->type == FRAME_RESPONSE)
        receive_response(call, frame);
    else
        receive_data(call, frame);
}

void client_end_calls(struct ttrpc_connection *connection)
{
    enum ttrpc_code code = connection->closed_here ? TTRPC_CANCELLED : TTRPC_UNAVAILABLE;

    while (!list_is_empty(&connection->calls))
        finish(
            list_entry(connection->calls.next, struct ttrpc_client_call, link),
            &(struct ttrpc_result){.code = code, .message = connection->reason, .is_lost = true});
    assert(connection->call_count == 0);
}

/* ---- starting ---- */

static const ProtobufCMethodDescriptor *find_method(const ProtobufCServiceDescriptor *service,
                                                    const char *name)
{
    for (unsigned i = 0; i < service->n_methods; i++)
        if (strcmp(service->methods[i].name, name) == 0)
            return &service->methods[i];
    return NULL;
}

/* What an open request begins with. An empty payload is no message to Go's server, and an empty one
 * to ttrpc-rust's. So none goes with a flag, and an empty one goes in a frame of its own. */
static bool has_payload(const struct ttrpc_request *request)
{
    return request->message != NULL &&
           (!request->open || protobuf_c_message_get_packed_size(request->message) > 0);
}

static uint8_t request_flags(const struct ttrpc_request *request)
{
    if (request->open)
        return has_payload(request) ? FRAME_REMOTE_OPEN : FRAME_REMOTE_OPEN | FRAME_NO_DATA;
    return request->on_message != NULL ? FRAME_REMOTE_CLOSED : 0;
}

static int send_empty_message(struct ttrpc_connection *connection, uint32_t stream)
{
    const struct frame_header header = {.stream = stream, .type = FRAME_DATA};

    return connection_append(connection, &header, false) == NULL ? -ENOMEM : 0;
}

/* Queues the Request frame on the next stream id. */
static int send_request(struct ttrpc_connection *connection, const struct ttrpc_request *request)
{
    nsec_t timeout = min_of(request->timeout, (nsec_t)INT64_MAX);
    bool with_payload = has_payload(request);
    struct envelope_request_source source = {
        .service = request->service->name,
        .method = request->method,
        .message = with_payload ? request->message : NULL,
        .timeout_ns = (int64_t)timeout,
        .metadata = request->metadata,
        .metadata_count = request->metadata_count,
    };
    struct frame_header header = {.type = FRAME_REQUEST, .flags = request_flags(request)};
    uint8_t *payload;
    size_t size;
    int r;

    if (request->metadata_count == 0) {
        source.metadata = connection->options.metadata;
        source.metadata_count = connection->options.metadata_count;
    }
    size = envelope_size_request(&source);
    r = connection_check_queue(connection, 2, size);

    if (r == -EAGAIN && connection_offer(connection))
        r = connection_check_queue(connection, 2, size);
    if (r < 0)
        return r;
    header.length = (uint32_t)size;
    header.stream = connection->last_stream == 0 ? 1 : connection->last_stream + 2;
    payload = connection_append(connection, &header, false);
    if (payload == NULL)
        return -ENOMEM;
    envelope_write_request(&source, payload);
    connection->last_stream = header.stream;
    if (request->open && request->message != NULL && !with_payload)
        return send_empty_message(connection, header.stream);
    return 0;
}

static struct ttrpc_client_call *create(struct ttrpc_connection *connection,
                                        const ProtobufCMethodDescriptor *method,
                                        const struct ttrpc_request *request)
{
    struct ttrpc_client_call *call = malloc(sizeof(*call));

    if (call == NULL)
        return NULL;
    *call = (struct ttrpc_client_call){
        .connection = connection,
        .output = method->output,
        .open = request->open,
        .on_message = request->on_message,
        .on_result = request->on_result,
        .userdata = request->userdata,
    };
    deadline_init(&call->deadline, on_deadline);
    list_append(&connection->calls, &call->link);
    connection->call_count++;
    return call;
}

int ttrpc_call_start(struct ttrpc_connection *connection, const struct ttrpc_request *request,
                     struct ttrpc_client_call **ret_call)
{
    const ProtobufCMethodDescriptor *method = find_method(request->service, request->method);
    struct ttrpc_client_call *call;
    int r;

    if (connection_is_server(connection))
        return -EOPNOTSUPP;
    if (method == NULL)
        return -ENOENT;
    if (connection->last_stream == UINT32_MAX)
        return -EOVERFLOW;
    assert(request->on_result != NULL && (request->open || request->message != NULL));
    call = create(connection, method, request);
    if (call == NULL)
        return -ENOMEM;
    r = send_request(connection, request);
    if (r < 0) {
        destroy(call);
        return r;
    }
    call->stream = connection->last_stream;
    assert(call->stream % 2 == 1);
    if (request->timeout > 0 && request->timeout != NSEC_INFINITY)
        ttrpc_loop_set_deadline(connection->loop, &call->deadline,
                                time_monotonic() + request->timeout);
    if (ret_call != NULL)
        *ret_call = call;
    return 0;
}

int ttrpc_call_unary(struct ttrpc_connection *connection, const ProtobufCServiceDescriptor *service,
                     const char *method, const ProtobufCMessage *request, nsec_t timeout,
                     ttrpc_result_callback on_result, void *userdata,
                     struct ttrpc_client_call **ret_call)
{
    return ttrpc_call_stream(connection, service, method, request, timeout, NULL, on_result,
                             userdata, ret_call);
}

int ttrpc_call_stream(struct ttrpc_connection *connection,
                      const ProtobufCServiceDescriptor *service, const char *method,
                      const ProtobufCMessage *request, nsec_t timeout,
                      ttrpc_message_callback on_message, ttrpc_result_callback on_result,
                      void *userdata, struct ttrpc_client_call **ret_call)
{
    struct ttrpc_request whole = {
        .service = service,
        .method = method,
        .message = request,
        .timeout = timeout,
        .on_message = on_message,
        .on_result = on_result,
        .userdata = userdata,
    };

    return ttrpc_call_start(connection, &whole, ret_call);
}

/* ---- an open request ---- */

int ttrpc_client_call_send(struct ttrpc_client_call *call, const ProtobufCMessage *message)
{
    assert(call->stream <= call->connection->last_stream);
    if (!call->open)
        return -EPIPE;
    return connection_send_data(call->connection, call->stream, 0, message, false);
}

int ttrpc_client_call_half_close(struct ttrpc_client_call *call)
{
    int r;

    if (!call->open)
        return -EPIPE;
    r = connection_send_data(call->connection, call->stream, FRAME_REMOTE_CLOSED | FRAME_NO_DATA,
                             NULL, false);
    if (r == 0)
        call->open = false;
    return r;
}

void ttrpc_client_call_cancel(struct ttrpc_client_call *call)
{
    destroy(call);
}
