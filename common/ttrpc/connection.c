/* A ttRPC connection on a libuv loop.
 *
 * Theory of operation
 *
 * The descriptor is driven by uv_poll and read and written here, not by a uv_stream: one read
 * buffer serves all connections of a loop, output leaves in batches with MSG_NOSIGNAL, and it works
 * for AF_VSOCK, which libuv does not know.
 *
 *   readable: one recv into the loop's buffer -> frames -> server.c or client.c -> user's callbacks
 *             -> flush what they queued
 *   queued outside of that: flushed before the loop sleeps
 *   socket full: wait for writable, flush again
 *
 * One recv per readiness keeps the loop fair: a flood from one peer costs the others one buffer's
 * worth of frames per turn.
 *
 * Ending: connection_fail() and ttrpc_connection_close() write what the socket still takes, close
 * the descriptor and the handle. The handle's close callback, in a later turn, ends every call,
 * then runs the user's on_close, then frees. So no callback runs inside the user's own call, and
 * the structure stays valid through every loop here; they test the state after each callback.
 *
 * Failure modes: a malformed stream, a peer that stalls inside a frame, a peer that does not read,
 * no memory, and socket errors each close the connection with a reason; a frame above our limit, a
 * malformed request or a wrong stream id is answered and costs only that stream. */
#include "common/ttrpc/connection.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

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
    .frame_by_frame = true,
};

/* ---- ending ---- */

static void on_poll_closed(uv_handle_t *handle)
{
    struct ttrpc_connection *connection = handle->data;
    struct ttrpc_loop *loop = connection->loop;

    assert(connection->state == CONNECTION_CLOSING);
    if (connection_is_server(connection))
        server_end_calls(connection);
    else
        client_end_calls(connection);
    if (connection->options.on_close != NULL)
        connection->options.on_close(connection, connection->status, connection->reason,
                                     connection->options.userdata);
    if (connection->options.budget != NULL) {
        connection->options.budget->connections--;
        list_remove(&connection->member);
    }
    frame_parser_finish(&connection->parser);
    output_finish(&connection->output);
    free(connection);
    ttrpc_loop_release(loop);
}

static void begin_close(struct ttrpc_connection *connection, int status)
{
    connection->state = CONNECTION_CLOSING;
    connection->status = status;
    (void)output_flush(&connection->output, connection->descriptor);
    list_remove(&connection->flush.link);
    ttrpc_loop_clear_deadline(connection->loop, &connection->receive_stall);
    ttrpc_loop_clear_deadline(connection->loop, &connection->send_stall);
    ttrpc_loop_clear_deadline(connection->loop, &connection->throttle);
    connection_charge(connection);
    uv_close((uv_handle_t *)&connection->poll, on_poll_closed);
    (void)close(connection->descriptor);
}

void connection_fail(struct ttrpc_connection *connection, int status, const char *format, ...)
{
    va_list arguments;

    if (connection->state != CONNECTION_OPEN)
        return;
    va_start(arguments, format);
    (void)vsnprintf(connection->reason, sizeof(connection->reason), format, arguments);
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

/* While throttled only the peer's hanging up is waited for. */
static void update_poll(struct ttrpc_connection *connection)
{
    int events = (connection->throttled ? UV_DISCONNECT : UV_READABLE) |
                 (connection->blocked ? UV_WRITABLE : 0);
    int r;

    if (events == connection->poll_events)
        return;
    connection->poll_events = events;
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

static void flush(struct ttrpc_connection *connection)
{
    uint64_t frames_before = connection->output.frames_out;
    int r;

    list_remove(&connection->flush.link);
    r = output_flush(&connection->output, connection->descriptor);
    if (r < 0) {
        connection_fail(connection, r, "writing: %s", strerror(-r));
        return;
    }
    connection->blocked = r == 0;
    update_poll(connection);
    update_send_stall(connection, frames_before);
    connection_charge(connection);
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
        (void)protobuf_c_message_pack(message, payload);
    return 0;
}

/* ---- receiving ---- */

ProtobufCMessage *connection_decode(struct ttrpc_connection *connection,
                                    const ProtobufCMessageDescriptor *descriptor,
                                    struct slice payload)
{
    uint32_t elements = connection->options.limits.elements;

    if (elements > 0 && wire_check_message(descriptor, payload, elements) < 0)
        return NULL;
    /* What real messages unfold into stays below; two bytes that make an empty submessage do not.
     */
    connection->loop->arena.limit = 32 * payload.length;
    return protobuf_c_message_unpack(descriptor, &connection->loop->arena.allocator, payload.length,
                                     payload.data);
}

static void on_throttle_over(struct deadline *deadline)
{
    struct ttrpc_connection *connection = container_of(deadline, struct ttrpc_connection, throttle);

    connection->throttled = false;
    update_poll(connection);
}

/* Not read until `until`, CLOCK_MONOTONIC, or a later time that was set before. */
static void throttle(struct ttrpc_connection *connection, nsec_t until)
{
    connection->throttled = true;
    connection->throttled_until = max_of(connection->throttled_until, until);
    ttrpc_loop_set_deadline(connection->loop, &connection->throttle, connection->throttled_until);
    update_poll(connection);
}

/* Each byte and each frame takes its share of a second; the peer is paid up to `paid_until`. */
static void charge_rates(struct ttrpc_connection *connection, size_t bytes, uint32_t frames,
                         nsec_t now)
{
    const struct ttrpc_limits *limits = &connection->options.limits;
    nsec_t cost = 0;

    if (limits->bytes_per_second > 0)
        cost += bytes * NSEC_PER_SEC / limits->bytes_per_second;
    if (limits->frames_per_second > 0)
        cost += frames * NSEC_PER_SEC / limits->frames_per_second;
    if (cost == 0)
        return;
    connection->paid_until =
        max_of(connection->paid_until, now > NSEC_PER_SEC ? now - NSEC_PER_SEC : 0) + cost;
    if (connection->paid_until > now)
        throttle(connection, connection->paid_until);
}

/* What a read costs besides the time measured around it: to fall asleep and wake, polling, timers.
 * On a virtual machine about ten times what a small message takes itself. */
#define TURN_COST (100 * NSEC_PER_USEC)

/* What of an answer is at the expense of who asked, and not of the peer. */
#define ANSWER_COST (100 * NSEC_PER_USEC)

static bool has_more(const struct ttrpc_connection *connection)
{
    uint8_t byte;

    return recv(connection->descriptor, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

/* In debt with its own share, a peer that has sent more already lives on the share of all such
 * peers alone: its own begins anew when it is read again, so that many floods do not add up to more
 * than the common share. Who has nothing more waits for its own. */
static void charge_processor(struct ttrpc_connection *connection, nsec_t used, nsec_t now)
{
    struct ttrpc_share *own = connection->options.processor;
    struct ttrpc_budget *budget = connection->options.budget;
    nsec_t paid_until = ttrpc_share_charge(own, used, now);

    if (paid_until <= now)
        return;
    if (budget != NULL && budget->processor.permyriad > 0 && has_more(connection)) {
        nsec_t common = ttrpc_share_charge(&budget->processor, used, now);

        paid_until = min_of(common, now + own->debt_max);
        own->paid_until = max_of(paid_until, now);
    }
    if (paid_until > now)
        throttle(connection, paid_until);
}

/* What a read that took `measured` cost beyond what was asked for. */
static nsec_t unasked_cost(const struct ttrpc_connection *connection, uint64_t answers_before,
                           nsec_t measured)
{
    if (connection->answers == answers_before)
        return measured + TURN_COST;
    return measured - min_of(measured, ANSWER_COST);
}

static nsec_t processor_time(void)
{
    struct timespec time;

    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (nsec_t)time.tv_sec * NSEC_PER_SEC + (nsec_t)time.tv_nsec;
}

/* Returns the number of frames. */
static uint32_t receive_chunk(struct ttrpc_connection *connection, const uint8_t *chunk,
                              size_t length)
{
    struct frame frame;
    uint32_t frames = 0;
    int r;

    while ((r = frame_parser_feed(&connection->parser, &chunk, &length, &frame)) > 0) {
        frames++;
        ttrpc_loop_clear_deadline(connection->loop, &connection->receive_stall);
        if (connection_is_server(connection))
            server_receive(connection, &frame);
        else
            client_receive(connection, &frame);
        if (connection->state != CONNECTION_OPEN)
            return frames;
    }
    if (r == -EPROTO)
        connection_fail(connection, r, "not ttRPC: a frame begins with byte 0x%02x instead of 0",
                        connection->parser.header[0]);
    else if (r < 0)
        connection_fail(connection, r, "no memory for a frame that arrives");
    return frames;
}

/* The time in which we do not read is not the peer's fault. */
static void update_receive_stall(struct ttrpc_connection *connection)
{
    struct deadline *stall = &connection->receive_stall;
    nsec_t begin;

    if (!frame_parser_is_inside(&connection->parser) || deadline_is_set(stall) ||
        connection->options.limits.stall == 0)
        return;
    begin = connection->throttled ? connection->throttled_until : time_monotonic();
    ttrpc_loop_set_deadline(connection->loop, stall, begin + connection->options.limits.stall);
}

/* Frame by frame: the rest of a header, or of the frame it announced. */
static size_t bytes_to_read(const struct ttrpc_connection *connection)
{
    size_t outstanding = frame_parser_outstanding(&connection->parser);

    return connection->options.limits.frame_by_frame ? min_of(outstanding, LOOP_READ_SIZE)
                                                     : LOOP_READ_SIZE;
}

/* Returns the bytes read, and their frames; 0: none, or the connection is closing. */
static size_t receive_once(struct ttrpc_connection *connection, uint32_t *ret_frames)
{
    uint8_t *buffer = connection->loop->read_buffer;
    ssize_t length = recv(connection->descriptor, buffer, bytes_to_read(connection), MSG_DONTWAIT);

    if (length < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    if (length < 0) {
        connection_fail(connection, -errno, "reading: %s", strerror(errno));
    } else if (length == 0) {
        if (frame_parser_is_inside(&connection->parser))
            connection_fail(connection, -EPIPE, "the peer closed in the middle of a frame");
        else
            connection_fail(connection, 0, "closed by the peer");
    } else {
        connection->heard = true;
        *ret_frames = receive_chunk(connection, buffer, (size_t)length);
        return (size_t)length;
    }
    return 0;
}

static void receive(struct ttrpc_connection *connection)
{
    bool measured = connection->options.processor != NULL;
    nsec_t begun = measured ? processor_time() : 0;
    uint64_t answers = connection->answers;
    uint32_t frames = 0;
    size_t bytes = receive_once(connection, &frames);
    nsec_t now;

    /* The header was read; what follows it is mostly there, too. */
    if (bytes > 0 && frames == 0 && connection->state == CONNECTION_OPEN &&
        connection->options.limits.frame_by_frame)
        bytes += receive_once(connection, &frames);

    if (bytes == 0 || connection->state != CONNECTION_OPEN) {
        if (measured)
            (void)ttrpc_share_charge(connection->options.processor, processor_time() - begun,
                                     time_monotonic());
        return;
    }
    now = time_monotonic();
    charge_rates(connection, bytes, frames, now);
    if (measured)
        charge_processor(connection, unasked_cost(connection, answers, processor_time() - begun),
                         now);
    update_receive_stall(connection);
    connection_charge(connection);
}

/* An error of the poll itself is left to recv, which mostly tells it better. */
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

static void on_receive_stall(struct deadline *deadline)
{
    struct ttrpc_connection *connection =
        container_of(deadline, struct ttrpc_connection, receive_stall);
    char text[48];

    connection_fail(connection, -ETIMEDOUT, "a frame was not complete within %s",
                    time_format_duration(connection->options.limits.stall, text, sizeof(text)));
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
    frame_parser_init(&connection->parser, min_of(options->limits.frame_bytes, FRAME_PAYLOAD_MAX));
    output_init(&connection->output);
    list_init(&connection->flush.link);
    list_init(&connection->calls);
    list_init(&connection->member);
    deadline_init(&connection->receive_stall, on_receive_stall);
    deadline_init(&connection->send_stall, on_send_stall);
    deadline_init(&connection->throttle, on_throttle_over);
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
    update_poll(connection);
    connection_charge(connection);
    *ret_connection = connection;
    return 0;

err_after_poll:
    uv_close((uv_handle_t *)&connection->poll, on_refused_closed);
    (void)close(descriptor);
    return r;
err_after_loop:
    ttrpc_loop_release(connection->loop);
err_after_alloc:
    free(connection);
err:
    (void)close(descriptor);
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

void *ttrpc_connection_userdata(const struct ttrpc_connection *connection)
{
    return connection->options.userdata;
}
