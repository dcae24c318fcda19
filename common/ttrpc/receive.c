/* What a connection receives: frames from the socket to server.c or client.c, holding back, and
 * what takes too long.
 *
 * One recv per readiness keeps the loop fair: a flood from one peer costs the others one buffer's
 * worth of frames per turn.
 *
 * A server does not read on while more than half of its queue is unsent and the socket takes no
 * more. A client may ask for more at once than any queue holds. What it had read already is kept
 * until the queue is down to a quarter. The client's end reads always, so that the two cannot wait
 * for each other. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "common/ttrpc/connection.h"

ProtobufCMessage *connection_decode(struct ttrpc_connection *connection,
                                    const ProtobufCMessageDescriptor *descriptor,
                                    struct slice payload)
{
    uint32_t limit = connection->options.limits.elements;

    if (wire_check_message(descriptor, payload, limit > 0 ? limit : UINT32_MAX) < 0)
        return NULL;
    if (connection->options.limits.one_line)
        wire_blank_texts(descriptor, payload);
    /* What real messages unfold into stays below; two bytes that make an empty submessage do not.
     */
    connection->loop->arena.limit = 32 * payload.length;
    return protobuf_c_message_unpack(descriptor, &connection->loop->arena.allocator, payload.length,
                                     payload.data);
}

/* ---- holding back ---- */

static bool has_room(struct ttrpc_connection *connection)
{
    uint64_t half = connection->options.limits.queued_bytes / 2;

    if (!connection_is_server(connection) || connection->output.bytes <= half)
        return true;
    return connection_offer(connection) && connection->output.bytes <= half;
}

/* The bytes of the chunk wait with those that the socket holds. */
static void hold_back(struct ttrpc_connection *connection, const uint8_t *chunk, size_t length)
{
    assert(!connection->held_back && connection->rest == NULL);
    connection->held_back = true;
    if (length == 0)
        return;
    connection->rest = malloc(length);
    if (connection->rest == NULL) {
        connection_fail(connection, -ENOMEM, "no memory for what arrived");
        return;
    }
    memcpy(connection->rest, chunk, length);
    connection->rest_length = length;
}

void receive_drained(struct ttrpc_connection *connection)
{
    if (!connection->held_back || deadline_is_set(&connection->resume) ||
        connection->output.bytes > connection->options.limits.queued_bytes / 4)
        return;
    ttrpc_loop_set_deadline(connection->loop, &connection->resume,
                            connection->throttled ? connection->throttled_until : time_monotonic());
}

int receive_events(const struct ttrpc_connection *connection)
{
    if (connection->held_back)
        return UV_WRITABLE;
    if (!connection->throttled)
        return UV_READABLE;
    return connection->half_closed ? 0 : UV_DISCONNECT;
}

/* ---- frames ---- */

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
        if (!has_room(connection)) {
            if (connection->state == CONNECTION_OPEN)
                hold_back(connection, chunk, length);
            return frames;
        }
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
        connection->held_back || connection->options.limits.stall == 0)
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

static void end_turn(struct ttrpc_connection *connection, const struct turn *turn, size_t bytes,
                     uint32_t frames)
{
    assert(connection->handled == NULL);
    cost_end_turn(connection, turn, bytes, frames);
    if ((bytes == 0 && frames == 0) || connection->state != CONNECTION_OPEN)
        return;
    update_receive_stall(connection);
    connection_charge(connection);
}

void receive(struct ttrpc_connection *connection)
{
    struct turn turn;
    uint32_t frames = 0;
    size_t bytes;

    if (connection->throttled) {
        cost_peer_closed(connection);
        return;
    }
    if (cost_has_to_wait(connection))
        return;
    turn = cost_begin_turn(connection);
    bytes = receive_once(connection, &frames);

    /* The header was read; what follows it is mostly there, too. */
    if (bytes > 0 && frames == 0 && connection->state == CONNECTION_OPEN &&
        connection->options.limits.frame_by_frame)
        bytes += receive_once(connection, &frames);
    end_turn(connection, &turn, bytes, frames);
    connection_check(connection);
}

/* The queue is short again: what was held back, then the socket. */
static void on_resume(struct deadline *deadline)
{
    struct ttrpc_connection *connection = container_of(deadline, struct ttrpc_connection, resume);
    struct turn turn = cost_begin_turn(connection);
    uint8_t *rest = connection->rest;
    size_t length = connection->rest_length;
    uint32_t frames = 0;

    assert(connection->held_back && connection->state == CONNECTION_OPEN);
    connection->held_back = false;
    connection->rest = NULL;
    connection->rest_length = 0;
    if (rest != NULL)
        frames = receive_chunk(connection, rest, length);
    free(rest);
    end_turn(connection, &turn, 0, frames);
    if (connection->state == CONNECTION_OPEN)
        connection_update_poll(connection);
}

/* ---- what takes too long ---- */

static void on_receive_stall(struct deadline *deadline)
{
    struct ttrpc_connection *connection =
        container_of(deadline, struct ttrpc_connection, receive_stall);
    char text[48];

    if (connection->throttled) {
        ttrpc_loop_set_deadline(connection->loop, deadline,
                                connection->throttled_until + connection->options.limits.stall);
        return;
    }
    connection_fail(connection, -ETIMEDOUT, "a frame was not complete within %s",
                    time_format_duration(connection->options.limits.stall, text, sizeof(text)));
}

/* Calls that are open, and what we do not read or cannot send, are no idleness. */
static bool is_idle(const struct ttrpc_connection *connection)
{
    return connection->call_count == 0 && !connection->throttled && !connection->held_back &&
           output_is_empty(&connection->output);
}

/* The deadline is set once per `idle`, however often the connection is used. */
static void on_idle(struct deadline *deadline)
{
    struct ttrpc_connection *connection = container_of(deadline, struct ttrpc_connection, idle);
    nsec_t idle = connection->options.limits.idle;
    nsec_t now = time_monotonic();
    char text[48];

    if (!is_idle(connection))
        connection->used = now;
    if (connection->used + idle > now)
        ttrpc_loop_set_deadline(connection->loop, deadline, connection->used + idle);
    else
        connection_fail(connection, 0, "unused for %s",
                        time_format_duration(idle, text, sizeof(text)));
}

/* ---- beginning and end ---- */

void receive_begin(struct ttrpc_connection *connection)
{
    nsec_t idle = connection->options.limits.idle;

    connection->used = time_monotonic();
    if (idle > 0)
        ttrpc_loop_set_deadline(connection->loop, &connection->idle, connection->used + idle);
}

void receive_init(struct ttrpc_connection *connection)
{
    frame_parser_init(&connection->parser,
                      min_of(connection->options.limits.frame_bytes, FRAME_PAYLOAD_MAX));
    deadline_init(&connection->receive_stall, on_receive_stall);
    deadline_init(&connection->resume, on_resume);
    deadline_init(&connection->idle, on_idle);
    cost_init(connection);
}

void receive_stop(struct ttrpc_connection *connection)
{
    ttrpc_loop_clear_deadline(connection->loop, &connection->receive_stall);
    ttrpc_loop_clear_deadline(connection->loop, &connection->resume);
    ttrpc_loop_clear_deadline(connection->loop, &connection->idle);
    cost_stop(connection);
}

void receive_finish(struct ttrpc_connection *connection)
{
    frame_parser_finish(&connection->parser);
    free(connection->rest);
}
