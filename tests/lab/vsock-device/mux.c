/* Between rings and streams. README.md says whose behaviour each rule is. */
#include "tests/lab/vsock-device/mux.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/base/util.h"
#include "tests/lab/vsock-device/command.h"

static void touch(struct mux *mux, struct connection *connection)
{
    connections_update(&mux->connections, connection, mux->now);
    if (list_is_empty(&connection->touched))
        list_append(&mux->touched, &connection->touched);
}

static void step(struct mux *mux, struct connection *connection, enum connection_event event)
{
    (void)connection_step(connection, event);
    touch(mux, connection);
}

static void end(struct mux *mux, struct connection *connection)
{
    if (connection->stream != NULL)
        mux->calls->close(connection->stream);
    connections_remove(&mux->connections, connection);
}

static void end_all(struct mux *mux)
{
    list_for_each_safe (link, following, &mux->connections.all)
        end(mux, list_entry(link, struct connection, all));
    mux->connections.resets_count = 0;
}

/* ---- from the guest ---- */

static void dial(struct mux *mux, const struct packet_header *header)
{
    struct connection *connection = NULL;
    int r = connections_add(&mux->connections, CONNECTION_ACCEPTED, header->destination_port,
                            header->source_port, &connection);

    if (r == 0) {
        r = mux->calls->dial(mux->host, header->destination_port, connection);
        if (r < 0)
            connections_remove(&mux->connections, connection);
    }
    if (r < 0) {
        connections_refuse(&mux->connections, header->destination_port, header->source_port);
        return;
    }
    connection->guest_buffer = header->buffer;
    connection->guest_forwarded = header->forwarded;
    touch(mux, connection);
}

/* Straight from the guest's memory; what the host does not take now is kept. */
static void forward(struct mux *mux, struct connection *connection, size_t length)
{
    unsigned count = ring_chain_part(&mux->chain, PACKET_HEADER_SIZE, length, mux->segments);
    ssize_t written = 0;

    if (connection->backlog_length == 0)
        written = mux->calls->write(connection->stream, mux->segments, count);
    if (written == -EAGAIN)
        written = 0;
    if (written < 0) {
        (void)connection_step(connection, CONNECTION_BROKEN);
        return;
    }
    connection_forward(connection, (uint32_t)written);
    count = ring_chain_part(&mux->chain, PACKET_HEADER_SIZE + (size_t)written,
                            length - (size_t)written, mux->segments);
    if (count > 0 && connection_keep(connection, mux->segments, count) < 0)
        (void)connection_step(connection, CONNECTION_BROKEN);
}

/* The host that asked gets its answer before any data. */
static void tell_accepted(struct mux *mux, struct connection *connection)
{
    char line[32];
    int length = snprintf(line, sizeof(line), "OK %u\n", connection->host_port);
    struct iovec segment = {.iov_base = line, .iov_len = (size_t)length};

    if (mux->calls->write(connection->stream, &segment, 1) != length)
        (void)connection_step(connection, CONNECTION_BROKEN);
}

static void take_for(struct mux *mux, struct connection *connection,
                     const struct packet_header *header)
{
    enum connection_state before = connection->state;

    if (connection_take(connection, header) == 1)
        forward(mux, connection, header->length);
    if (before == CONNECTION_REQUESTED && connection->state == CONNECTION_OPEN)
        tell_accepted(mux, connection);
    touch(mux, connection);
}

static void take_packet(struct mux *mux)
{
    uint8_t bytes[PACKET_HEADER_SIZE];
    struct packet_header header;
    struct connection *connection;

    if (mux->chain.length < sizeof(bytes))
        return;
    ring_chain_read(&mux->chain, bytes, sizeof(bytes));
    packet_decode(bytes, &header);
    if (header.length > PACKET_DATA_MAX || header.length > mux->chain.length - sizeof(bytes))
        return;
    if (header.type != PACKET_TYPE_STREAM) {
        connections_refuse(&mux->connections, header.destination_port, header.source_port);
        return;
    }
    if (header.destination_cid != PACKET_HOST_CID || header.source_cid != mux->guest_cid)
        return;
    connection = connections_find(&mux->connections, header.destination_port, header.source_port);
    if (connection == NULL && header.operation == PACKET_REQUEST)
        dial(mux, &header);
    else if (connection == NULL && header.operation != PACKET_RST)
        connections_refuse(&mux->connections, header.destination_port, header.source_port);
    else if (connection != NULL && header.operation == PACKET_RST)
        end(mux, connection);
    else if (connection != NULL)
        take_for(mux, connection, &header);
}

/* ---- to the guest ---- */

/* Reads straight into the guest's memory. True: the packet is complete. */
static bool read_data(struct mux *mux, struct connection *connection, struct packet_header *header)
{
    size_t room = min_of(mux->chain.length - PACKET_HEADER_SIZE, (size_t)PACKET_DATA_MAX);
    unsigned count;
    ssize_t length;

    if (connection_credit(connection) == 0) {
        connection->pending &= ~(unsigned)CONNECTION_SEND_DATA;
        header->operation = PACKET_CREDIT_REQUEST;
        return true;
    }
    room = min_of(room, (size_t)connection_credit(connection));
    count = ring_chain_part(&mux->chain, PACKET_HEADER_SIZE, room, mux->segments);
    length = mux->calls->read(connection->stream, mux->segments, count);
    if (length < (ssize_t)room)
        connection->pending &= ~(unsigned)CONNECTION_SEND_DATA;
    if (length > 0) {
        connection->sent += (uint32_t)length;
        header->operation = PACKET_RW;
        header->length = (uint32_t)length;
        return true;
    }
    if (length != -EAGAIN)
        (void)connection_step(connection, length == 0        ? CONNECTION_HOST_END
                                          : length == -EPIPE ? CONNECTION_HANGUP
                                                             : CONNECTION_BROKEN);
    return false;
}

static void take_pending(struct connection *connection, enum connection_pending bit,
                         enum packet_operation operation, struct packet_header *header)
{
    connection->pending &= ~(unsigned)bit;
    header->operation = (uint16_t)operation;
}

/* The one thing that is to be told first. False: there was no data; something else may be. */
static bool tell(struct mux *mux, struct connection *connection, struct packet_header *header)
{
    connection_fill(connection, mux->guest_cid, header);
    if ((connection->pending & CONNECTION_SEND_RST) != 0) {
        take_pending(connection, CONNECTION_SEND_RST, PACKET_RST, header);
    } else if ((connection->pending & CONNECTION_SEND_RESPONSE) != 0) {
        take_pending(connection, CONNECTION_SEND_RESPONSE, PACKET_RESPONSE, header);
        (void)connection_step(connection, CONNECTION_CONFIRMED);
    } else if ((connection->pending & CONNECTION_SEND_REQUEST) != 0) {
        take_pending(connection, CONNECTION_SEND_REQUEST, PACKET_REQUEST, header);
    } else if ((connection->pending & CONNECTION_SEND_SHUTDOWN) != 0) {
        take_pending(connection, CONNECTION_SEND_SHUTDOWN, PACKET_SHUTDOWN, header);
        header->flags = PACKET_NO_SEND;
        if (connection->state == CONNECTION_HOST_CLOSED)
            header->flags |= PACKET_NO_RECEIVE;
    } else if ((connection->pending & CONNECTION_SEND_DATA) == 0 ||
               !read_data(mux, connection, header)) {
        header->operation = PACKET_CREDIT_UPDATE;
        return (connection->pending & CONNECTION_SEND_CREDIT) != 0;
    }
    return true;
}

static void give(struct mux *mux, enum mux_ring ring, uint32_t length)
{
    ring_give(&mux->rings[ring], mux->chain.head, length);
    mux->ring_gave[ring] = true;
}

static void give_packet(struct mux *mux, const struct packet_header *header)
{
    uint8_t bytes[PACKET_HEADER_SIZE];

    packet_encode(header, bytes);
    ring_chain_write(&mux->chain, bytes, sizeof(bytes));
    give(mux, MUX_TO_GUEST, PACKET_HEADER_SIZE + header->length);
}

static void refuse(struct mux *mux, const struct connections_reset *reset)
{
    struct packet_header header = {
        .source_cid = PACKET_HOST_CID,
        .destination_cid = mux->guest_cid,
        .source_port = reset->host_port,
        .destination_port = reset->guest_port,
        .type = PACKET_TYPE_STREAM,
        .operation = PACKET_RST,
    };

    give_packet(mux, &header);
}

/* Fills the buffer at hand. False: there is nothing to put into it. */
static bool fill(struct mux *mux)
{
    struct connections_reset reset;
    struct connection *connection;
    struct packet_header header;

    if (connections_next_reset(&mux->connections, &reset)) {
        refuse(mux, &reset);
        return true;
    }
    while ((connection = connections_next(&mux->connections)) != NULL) {
        bool told = tell(mux, connection, &header);

        if (told) {
            give_packet(mux, &header);
            connection_told(connection);
        }
        if (told && header.operation == PACKET_RST)
            end(mux, connection);
        else
            touch(mux, connection);
        if (told)
            return true;
    }
    return false;
}

/* ---- rings ---- */

static void break_down(struct mux *mux, enum mux_ring ring)
{
    ring_unmap(&mux->rings[ring]);
    end_all(mux);
    mux->calls->broken(mux->host, ring);
}

/* True: a buffer is at hand. */
static bool take(struct mux *mux, enum mux_ring ring)
{
    enum ring_direction direction = ring == MUX_TO_GUEST ? RING_TO_GUEST : RING_FROM_GUEST;
    int r = ring_take(&mux->rings[ring], mux->memory, direction, &mux->chain);

    if (r < 0)
        break_down(mux, ring);
    return r == 1;
}

/* At most one turn of the ring, however fast the guest adds to it. */
static bool take_packets(struct mux *mux)
{
    for (unsigned left = mux->rings[MUX_FROM_GUEST].size; left > 0; left--) {
        if (!take(mux, MUX_FROM_GUEST))
            return false;
        take_packet(mux);
        give(mux, MUX_FROM_GUEST, 0);
    }
    return true;
}

static bool has_pending(const struct mux *mux)
{
    return mux->connections.resets_count > 0 || !list_is_empty(&mux->connections.pending);
}

static bool give_packets(struct mux *mux)
{
    for (unsigned left = mux->rings[MUX_TO_GUEST].size; left > 0; left--) {
        if (!has_pending(mux) || !take(mux, MUX_TO_GUEST))
            return false;
        if (mux->chain.length <= PACKET_HEADER_SIZE) {
            give(mux, MUX_TO_GUEST, 0);
        } else if (!fill(mux)) {
            ring_untake(&mux->rings[MUX_TO_GUEST]);
            return false;
        }
    }
    return true;
}

static void call(struct mux *mux, enum mux_ring ring)
{
    if (mux->ring_gave[ring] && ring_wants_call(&mux->rings[ring]))
        mux->calls->call(mux->host, ring);
    mux->ring_gave[ring] = false;
}

/* ---- streams ---- */

static void settle(struct mux *mux)
{
    while (!list_is_empty(&mux->touched)) {
        struct connection *connection = list_entry(mux->touched.next, struct connection, touched);
        unsigned watch;

        list_remove(&connection->touched);
        if (connection_ends_host(connection)) {
            connection->host_told_of_end = true;
            mux->calls->end(connection->stream);
        }
        watch = connection_watch(connection);
        if (watch != connection->watched) {
            connection->watched = watch;
            mux->calls->watch(connection->stream, watch);
        }
    }
}

/* Whatever is wrong with the line, the host sees its socket closed without a byte. */
static void name(struct mux *mux, struct connection *connection)
{
    char line[COMMAND_SIZE_MAX];
    struct iovec segment = {.iov_base = line};
    ssize_t length = mux->calls->peek(connection->stream, line, sizeof(line));
    uint32_t port;
    int r;

    if (length == -EAGAIN)
        return;
    r = length > 0 ? command_parse(line, (size_t)length, &port) : -EPROTO;
    if (r > 0) {
        segment.iov_len = (size_t)r;
        if (mux->calls->read(connection->stream, &segment, 1) == r &&
            connections_name(&mux->connections, connection, port) == 0) {
            touch(mux, connection);
            return;
        }
    }
    end(mux, connection);
}

static void write_kept(struct mux *mux, struct connection *connection)
{
    struct iovec segments[2];
    unsigned count = connection_kept(connection, segments);
    ssize_t written;

    if (count == 0)
        return;
    written = mux->calls->write(connection->stream, segments, count);
    if (written >= 0)
        connection_drop(connection, (uint32_t)written);
    else if (written != -EAGAIN)
        (void)connection_step(connection, CONNECTION_BROKEN);
}

void mux_ready(struct mux *mux, struct connection *connection, unsigned watch, nsec_t now)
{
    mux->now = now;
    watch &= connection->watched;
    if (connection->state == CONNECTION_WAITING) {
        name(mux, connection);
        return;
    }
    if ((watch & CONNECTION_WATCH_WRITE) != 0)
        write_kept(mux, connection);
    if ((watch & CONNECTION_WATCH_HANGUP) != 0)
        (void)connection_step(connection, CONNECTION_HANGUP);
    if ((watch & CONNECTION_WATCH_READ) != 0 &&
        (connection_watch(connection) & CONNECTION_WATCH_READ) != 0)
        connection->pending |= CONNECTION_SEND_DATA;
    touch(mux, connection);
}

int mux_accept(struct mux *mux, void *stream, struct connection **ret_connection)
{
    int r = connections_add(&mux->connections, CONNECTION_WAITING, 0, 0, ret_connection);

    if (r < 0)
        return r;
    (*ret_connection)->stream = stream;
    touch(mux, *ret_connection);
    return 0;
}

/* ---- all of it ---- */

bool mux_run(struct mux *mux, nsec_t now)
{
    struct connection *connection;
    bool more;

    mux->now = now;
    while ((connection = connections_expired(&mux->connections, now)) != NULL)
        step(mux, connection, CONNECTION_BROKEN);
    more = take_packets(mux);
    more = give_packets(mux) || more;
    call(mux, MUX_FROM_GUEST);
    call(mux, MUX_TO_GUEST);
    settle(mux);
    return more;
}

nsec_t mux_deadline(const struct mux *mux)
{
    return connections_deadline(&mux->connections);
}

int mux_start(struct mux *mux, enum mux_ring ring, const struct ring_layout *layout, uint16_t next)
{
    if (next != mux->rings[ring].next)
        end_all(mux);
    return ring_map(&mux->rings[ring], mux->memory, layout, next);
}

uint16_t mux_stop(struct mux *mux, enum mux_ring ring)
{
    ring_unmap(&mux->rings[ring]);
    return mux->rings[ring].next;
}

bool mux_ring_is_running(const struct mux *mux, enum mux_ring ring)
{
    return mux->rings[ring].size > 0;
}

void mux_init(struct mux *mux, const struct mux_host *calls, void *host, uint64_t guest_cid,
              const struct memory *memory)
{
    *mux = (struct mux){.calls = calls, .host = host, .guest_cid = guest_cid, .memory = memory};
    connections_init(&mux->connections);
    list_init(&mux->touched);
}

void mux_finish(struct mux *mux)
{
    end_all(mux);
    connections_finish(&mux->connections);
}
