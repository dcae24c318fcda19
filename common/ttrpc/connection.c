/* A ttRPC connection on a libuv loop: its beginning and end, and sending. Receiving: receive.c.
 *
 * Theory of operation
 *
 * The descriptor is driven by uv_poll, and read and written here instead of by a uv_stream. So one
 * read buffer serves all connections of a loop, and output leaves in batches with MSG_NOSIGNAL. And
 * it works for AF_VSOCK, which libuv does not know.
 *
 *   readable: one recv into the loop's buffer -> frames -> server.c or client.c -> user's callbacks
 *             -> flush what they queued
 *   queued outside of that: flushed before the loop sleeps
 *   socket full: wait for writable, flush again
 *
 * Ending: connection_fail() and ttrpc_connection_close() write what the socket still takes, close
 * the descriptor and the handle. The handle's close callback, in a later turn, ends every call,
 * then runs the user's on_close, then frees. So no callback runs inside the user's own call, and
 * the structure stays valid through every loop here; they test the state after each callback.
 *
 * Failure modes. A malformed stream, a peer that stalls inside a frame or reads nothing, no memory,
 * and socket errors: each closes the connection with a reason. A frame above our limit, a malformed
 * request or a wrong stream id is answered, and costs only that stream. */
#include "common/ttrpc/connection.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/text.h"

const struct ttrpc_limits ttrpc_limits_default = {
    .frame_bytes = 64 * 1024,
    .streams = 16,
    .queued_bytes = (uint64_t)1024 * 1024,
    .stall = 10 * NSEC_PER_SEC,
};

const struct ttrpc_limits ttrpc_limits_guest = {
    .frame_bytes = 64 * 1024,
    .streams = 16,
    .queued_bytes = (uint64_t)256 * 1024,
    .stall = 10 * NSEC_PER_SEC,
    .bytes_per_second = (uint64_t)4 * 1024 * 1024,
    .frames_per_second = 1000,
    .elements = 4096,
    .one_line = true,
    .frame_by_frame = true,
};

/* ---- what holds ---- */

static void check_open(const struct ttrpc_connection *connection)
{
    assert(connection->throttled == deadline_is_set(&connection->throttle));
    assert(connection->waits == (connection->poll_events == 0));
    assert(!connection->blocked || !output_is_empty(&connection->output));
    assert(!deadline_is_set(&connection->send_stall) || !output_is_empty(&connection->output));
    assert(!connection->closed_here && connection->status == 0);
}

static void check_closing(const struct ttrpc_connection *connection)
{
    assert(connection->reason[0] != '\0');
    assert(connection->charged == 0);
    assert(list_is_empty(&connection->flush.link));
    assert(!deadline_is_set(&connection->throttle) && !deadline_is_set(&connection->resume));
    assert(!deadline_is_set(&connection->idle) && !connection->waits);
    assert(!deadline_is_set(&connection->send_stall));
    assert(!deadline_is_set(&connection->receive_stall));
}

void connection_check(const struct ttrpc_connection *connection)
{
    const struct ttrpc_budget *budget = connection->options.budget;

    assert((connection->call_count == 0) == list_is_empty(&connection->calls));
    assert((connection->rest == NULL) == (connection->rest_length == 0));
    assert(connection->rest == NULL || connection->held_back);
    assert(!deadline_is_set(&connection->resume) || connection->held_back);
    assert(budget == NULL || budget->bytes >= connection->charged);
    if (connection->state == CONNECTION_OPEN)
        check_open(connection);
    else
        check_closing(connection);
}

/* ---- ending ---- */

static void on_poll_closed(uv_handle_t *handle)
{
    struct ttrpc_connection *connection = handle->data;
    struct ttrpc_loop *loop = connection->loop;

    assert(connection->state == CONNECTION_CLOSING && connection->handled == NULL);
    connection_check(connection);
    if (connection_is_server(connection))
        server_end_calls(connection);
    else
        client_end_calls(connection);
    assert(connection->call_count == 0);
    if (connection->options.on_close != NULL)
        connection->options.on_close(connection, connection->status, connection->reason,
                                     connection->options.userdata);
    if (connection->options.budget != NULL) {
        assert(connection->options.budget->connections > 0 && connection->charged == 0);
        connection->options.budget->connections--;
        list_remove(&connection->member);
    }
    receive_finish(connection);
    output_finish(&connection->output);
    free(connection);
    ttrpc_loop_release(loop);
}

static void set_waiting(struct ttrpc_connection *connection, bool waits)
{
    if (connection->waits != waits)
        ttrpc_loop_wait_for_deadline(connection->loop, waits);
    connection->waits = waits;
}

static void begin_close(struct ttrpc_connection *connection, int status)
{
    assert(connection->state == CONNECTION_OPEN);
    connection->state = CONNECTION_CLOSING;
    connection->status = status;
    (void)output_flush(&connection->output, connection->descriptor);
    list_remove(&connection->flush.link);
    receive_stop(connection);
    ttrpc_loop_clear_deadline(connection->loop, &connection->send_stall);
    set_waiting(connection, false);
    connection_charge(connection);
    uv_close((uv_handle_t *)&connection->poll, on_poll_closed);
    close(connection->descriptor);
    connection_check(connection);
}

void connection_fail(struct ttrpc_connection *connection, int status, const char *format, ...)
{
    va_list arguments;

    if (connection->state != CONNECTION_OPEN)
        return;
    va_start(arguments, format);
    text_format_list(connection->reason, sizeof(connection->reason), format, arguments);
    va_end(arguments);
    begin_close(connection, status);
}

void ttrpc_connection_close(struct ttrpc_connection *connection)
{
    if (connection->state != CONNECTION_OPEN)
        return;
    connection->closed_here = true;
    connection_fail(connection, 0, "closed on this side");
}

/* ---- sending ---- */

static void on_poll(uv_poll_t *poll, int status, int events);

void connection_update_poll(struct ttrpc_connection *connection)
{
    int events = receive_events(connection) | (connection->blocked ? UV_WRITABLE : 0);
    int r;

    if (events == connection->poll_events)
        return;
    connection->poll_events = events;
    set_waiting(connection, events == 0);
    r = uv_poll_start(&connection->poll, events, on_poll);
    assert(r == 0);
}

static void update_send_stall(struct ttrpc_connection *connection, uint64_t frames_before)
{
    struct deadline *stall = &connection->send_stall;

    if (output_is_empty(&connection->output))
        ttrpc_loop_clear_deadline(connection->loop, stall);
    else if (connection->options.limits.stall > 0 &&
             (!deadline_is_set(stall) || connection->output.frames_out != frames_before))
        ttrpc_loop_set_deadline(connection->loop, stall,
                                time_monotonic() + connection->options.limits.stall);
}

bool connection_offer(struct ttrpc_connection *connection)
{
    uint64_t frames_before = connection->output.frames_out;
    int r = output_flush(&connection->output, connection->descriptor);

    if (r < 0) {
        connection_fail(connection, r, "writing: %s", strerror(-r));
        return false;
    }
    connection->blocked = r == 0;
    update_send_stall(connection, frames_before);
    return true;
}

static void flush(struct ttrpc_connection *connection)
{
    nsec_t begun = cost_begin_answer(connection);

    list_remove(&connection->flush.link);
    if (!connection_offer(connection))
        return;
    cost_end_answer(connection, begun);
    receive_drained(connection);
    connection_update_poll(connection);
    connection_charge(connection);
    connection_check(connection);
    if (connection_is_server(connection))
        server_drained(connection);
}

static void on_flush(struct loop_flush *link)
{
    flush(container_of(link, struct ttrpc_connection, flush));
}

int connection_check_queue(const struct ttrpc_connection *connection, unsigned halves,
                           size_t payload_size)
{
    uint64_t limit = connection->options.limits.queued_bytes / 2 * halves;

    if (connection->state != CONNECTION_OPEN)
        return -EPIPE;
    if (payload_size > FRAME_PAYLOAD_MAX)
        return -EMSGSIZE;
    if (!output_is_empty(&connection->output) && connection->output.bytes + payload_size > limit)
        return -EAGAIN;
    return 0;
}

uint8_t *connection_append(struct ttrpc_connection *connection, const struct frame_header *header,
                           bool urgent)
{
    uint8_t *payload;
    int r = connection_check_queue(connection, 2, header->length);

    assert(r != -EMSGSIZE);
    /* What was queued in this turn was not offered to the socket yet. */
    if (r == -EAGAIN && connection_offer(connection))
        r = connection_check_queue(connection, 2, header->length);
    if (r == -EAGAIN)
        connection_fail(connection, -ENOBUFS, "the peer does not read: %llu bytes are unsent",
                        (unsigned long long)connection->output.bytes);
    if (r < 0)
        return NULL;
    payload = output_append(&connection->output, header, urgent);
    if (payload == NULL) {
        connection_fail(connection, -ENOMEM, "no memory for a frame of %u bytes", header->length);
        return NULL;
    }
    if (list_is_empty(&connection->flush.link))
        list_append(&connection->loop->flush, &connection->flush.link);
    /* Charged with the flush: a charge may close this connection, which would send what the caller
     * has not written yet. */
    return payload;
}

int connection_send_data(struct ttrpc_connection *connection, uint32_t stream, uint8_t flags,
                         const ProtobufCMessage *message, bool urgent)
{
    size_t size = message == NULL ? 0 : protobuf_c_message_get_packed_size(message);
    struct frame_header header = {.stream = stream, .type = FRAME_DATA, .flags = flags};
    uint8_t *payload;
    int r = connection_check_queue(connection, urgent || message == NULL ? 2 : 1, size);

    if (r < 0)
        return r;
    header.length = (uint32_t)size;
    payload = connection_append(connection, &header, urgent);
    if (payload == NULL)
        return -ENOMEM;
    if (message != NULL)
        (void)wire_pack_message(message, payload);
    return 0;
}

/* ---- events ---- */

/* An error of the poll itself is left to recv, which mostly names it better. */
static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct ttrpc_connection *connection = poll->data;

    if (status < 0 || (events & (UV_READABLE | UV_DISCONNECT)) != 0)
        receive(connection);
    if (status < 0)
        connection_fail(connection, status, "polling: %s", strerror(-status));
    if (connection->state == CONNECTION_OPEN &&
        ((events & UV_WRITABLE) != 0 || !list_is_empty(&connection->flush.link)))
        flush(connection);
}

static void on_send_stall(struct deadline *deadline)
{
    struct ttrpc_connection *connection =
        container_of(deadline, struct ttrpc_connection, send_stall);
    char text[48];

    connection_fail(connection, -ETIMEDOUT, "the peer did not read for %s",
                    time_format_duration(connection->options.limits.stall, text, sizeof(text)));
}

/* ---- beginning ---- */

static void init(struct ttrpc_connection *connection, int descriptor,
                 const struct ttrpc_connection_options *options)
{
    *connection = (struct ttrpc_connection){
        .descriptor = descriptor,
        .options = *options,
        .flush = {.on_flush = on_flush},
    };
    receive_init(connection);
    output_init(&connection->output);
    list_init(&connection->flush.link);
    list_init(&connection->calls);
    list_init(&connection->member);
    deadline_init(&connection->send_stall, on_send_stall);
}

/* Takes a place in the budget. */
static int enter_budget(struct ttrpc_connection *connection)
{
    struct ttrpc_budget *budget = connection->options.budget;

    if (budget == NULL)
        return 0;
    if (budget->connections >= budget->connections_limit) {
        budget->refused++;
        return -EUSERS;
    }
    budget->connections++;
    list_append(&budget->members, &connection->member);
    return 0;
}

static void on_refused_closed(uv_handle_t *handle)
{
    struct ttrpc_connection *connection = handle->data;

    ttrpc_loop_release(connection->loop);
    free(connection);
}

int ttrpc_connection_create(uv_loop_t *loop, int descriptor,
                            const struct ttrpc_connection_options *options,
                            struct ttrpc_connection **ret_connection)
{
    struct ttrpc_connection *connection = malloc(sizeof(*connection));
    int r = -ENOMEM;

    if (connection == NULL)
        goto err;
    init(connection, descriptor, options);
    connection->loop = ttrpc_loop_acquire(loop);
    if (connection->loop == NULL)
        goto err_after_alloc;
    r = uv_poll_init(loop, &connection->poll, descriptor);
    if (r < 0)
        goto err_after_loop;
    connection->poll.data = connection;
    r = enter_budget(connection);
    if (r < 0)
        goto err_after_poll;
    connection_update_poll(connection);
    receive_begin(connection);
    connection_charge(connection);
    *ret_connection = connection;
    return 0;

err_after_poll:
    uv_close((uv_handle_t *)&connection->poll, on_refused_closed);
    close(descriptor);
    return r;
err_after_loop:
    ttrpc_loop_release(connection->loop);
err_after_alloc:
    free(connection);
err:
    close(descriptor);
    return r;
}

void ttrpc_connection_set_processor(struct ttrpc_connection *connection,
                                    struct ttrpc_share *processor)
{
    connection->options.processor = processor;
}

bool ttrpc_connection_was_heard(const struct ttrpc_connection *connection)
{
    return connection->heard;
}
