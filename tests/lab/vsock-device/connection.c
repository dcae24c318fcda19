/* The state machine of one connection. README.md says whose behaviour each rule is. */
#include "tests/lab/vsock-device/connection.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/util.h"

static const uint8_t transitions[CONNECTION_STATES][CONNECTION_EVENTS] = {
    [CONNECTION_WAITING] =
        {
            [CONNECTION_NAMED] = CONNECTION_REQUESTED,
        },
    [CONNECTION_REQUESTED] =
        {
            [CONNECTION_ANSWERED] = CONNECTION_OPEN,
            [CONNECTION_HANGUP] = CONNECTION_RESET,
            [CONNECTION_BROKEN] = CONNECTION_RESET,
        },
    [CONNECTION_ACCEPTED] =
        {
            [CONNECTION_CONFIRMED] = CONNECTION_OPEN,
            [CONNECTION_BROKEN] = CONNECTION_RESET,
        },
    [CONNECTION_OPEN] =
        {
            [CONNECTION_DEAFENED] = CONNECTION_GUEST_DEAF,
            [CONNECTION_MUTED] = CONNECTION_GUEST_MUTE,
            [CONNECTION_SHUT] = CONNECTION_GUEST_CLOSED,
            [CONNECTION_HOST_END] = CONNECTION_HOST_MUTE,
            [CONNECTION_HANGUP] = CONNECTION_HOST_CLOSED,
            [CONNECTION_BROKEN] = CONNECTION_RESET,
        },
    [CONNECTION_GUEST_DEAF] =
        {
            [CONNECTION_MUTED] = CONNECTION_GUEST_CLOSED,
            [CONNECTION_SHUT] = CONNECTION_GUEST_CLOSED,
            [CONNECTION_HANGUP] = CONNECTION_RESET,
            [CONNECTION_BROKEN] = CONNECTION_RESET,
        },
    [CONNECTION_GUEST_MUTE] =
        {
            [CONNECTION_DEAFENED] = CONNECTION_GUEST_CLOSED,
            [CONNECTION_SHUT] = CONNECTION_GUEST_CLOSED,
            [CONNECTION_HOST_END] = CONNECTION_GUEST_CLOSED,
            [CONNECTION_HANGUP] = CONNECTION_HOST_CLOSED,
            [CONNECTION_BROKEN] = CONNECTION_RESET,
        },
    [CONNECTION_HOST_MUTE] =
        {
            [CONNECTION_MUTED] = CONNECTION_GUEST_CLOSED,
            [CONNECTION_SHUT] = CONNECTION_GUEST_CLOSED,
            [CONNECTION_HANGUP] = CONNECTION_HOST_CLOSED,
            [CONNECTION_BROKEN] = CONNECTION_RESET,
        },
    [CONNECTION_GUEST_CLOSED] =
        {
            [CONNECTION_DRAINED] = CONNECTION_RESET,
            [CONNECTION_BROKEN] = CONNECTION_RESET,
        },
    [CONNECTION_HOST_CLOSED] =
        {
            [CONNECTION_BROKEN] = CONNECTION_RESET,
        },
};

/* What holds in a state, and what is told when it is entered. */
static const struct {
    const char *name;
    bool to_host;       /* the guest's data is taken */
    bool to_guest;      /* the host's socket is read */
    bool until_hangup;  /* nothing else would show that the host is gone */
    bool ends_by_time;  /* REQUESTED only once the guest has the request */
    unsigned announces; /* bits of enum connection_pending */
} traits[CONNECTION_STATES] = {
    [CONNECTION_WAITING] = {.name = "waiting", .to_guest = true},
    [CONNECTION_REQUESTED] = {.name = "requested",
                              .until_hangup = true,
                              .ends_by_time = true,
                              .announces = CONNECTION_SEND_REQUEST},
    [CONNECTION_ACCEPTED] = {.name = "accepted", .announces = CONNECTION_SEND_RESPONSE},
    [CONNECTION_OPEN] = {.name = "open", .to_host = true, .to_guest = true},
    [CONNECTION_GUEST_DEAF] = {.name = "guest deaf", .to_host = true, .until_hangup = true},
    [CONNECTION_GUEST_MUTE] = {.name = "guest mute", .to_guest = true},
    [CONNECTION_HOST_MUTE] = {.name = "host mute",
                              .to_host = true,
                              .until_hangup = true,
                              .announces = CONNECTION_SEND_SHUTDOWN},
    [CONNECTION_GUEST_CLOSED] = {.name = "guest closed", .ends_by_time = true},
    [CONNECTION_HOST_CLOSED] = {.name = "host closed",
                                .ends_by_time = true,
                                .announces = CONNECTION_SEND_SHUTDOWN},
    [CONNECTION_RESET] = {.name = "reset", .announces = CONNECTION_SEND_RST},
};

static void enter(struct connection *connection, enum connection_state state)
{
    if (state == connection->state)
        return;
    connection->state = state;
    connection->pending |= traits[state].announces;
    if (!traits[state].to_guest)
        connection->pending &= ~(unsigned)CONNECTION_SEND_DATA;
    if (state == CONNECTION_RESET) {
        connection->pending = CONNECTION_SEND_RST;
        connection->backlog_length = 0;
    }
}

bool connection_step(struct connection *connection, enum connection_event event)
{
    enum connection_state next = transitions[connection->state][event];

    if (next == CONNECTION_NONE)
        return false;
    enter(connection, next);
    if (connection->state == CONNECTION_GUEST_CLOSED && connection->backlog_length == 0)
        enter(connection, CONNECTION_RESET);
    return true;
}

/* ---- packets of the guest ---- */

static void take_shutdown(struct connection *connection, uint32_t flags)
{
    static const enum connection_event events[] = {
        [PACKET_NO_RECEIVE] = CONNECTION_DEAFENED,
        [PACKET_NO_SEND] = CONNECTION_MUTED,
        [PACKET_NO_RECEIVE | PACKET_NO_SEND] = CONNECTION_SHUT,
    };

    flags &= PACKET_NO_RECEIVE | PACKET_NO_SEND;
    if (flags != 0)
        (void)connection_step(connection, events[flags]);
}

int connection_take(struct connection *connection, const struct packet_header *header)
{
    assert(header->operation != PACKET_RST);
    connection->guest_buffer = header->buffer;
    connection->guest_forwarded = header->forwarded;
    switch (header->operation) {
    case PACKET_RESPONSE:
        (void)connection_step(connection, CONNECTION_ANSWERED);
        return 0;
    case PACKET_SHUTDOWN:
        take_shutdown(connection, header->flags);
        return 0;
    case PACKET_CREDIT_REQUEST:
        if (traits[connection->state].to_host)
            connection->pending |= CONNECTION_SEND_CREDIT;
        return 0;
    case PACKET_RW:
        return traits[connection->state].to_host && header->length > 0;
    default:
        return 0;
    }
}

/* ---- packets to the guest ---- */

uint32_t connection_credit(const struct connection *connection)
{
    uint32_t held = connection->sent - connection->guest_forwarded;

    return held < connection->guest_buffer ? connection->guest_buffer - held : 0;
}

void connection_fill(const struct connection *connection, uint64_t guest_cid,
                     struct packet_header *ret_header)
{
    *ret_header = (struct packet_header){
        .source_cid = PACKET_HOST_CID,
        .destination_cid = guest_cid,
        .source_port = connection->host_port,
        .destination_port = connection->guest_port,
        .type = PACKET_TYPE_STREAM,
        .buffer = CONNECTION_BUFFER,
        .forwarded = connection->forwarded,
    };
}

void connection_told(struct connection *connection)
{
    connection->forwarded_told = connection->forwarded;
    connection->pending &= ~(unsigned)CONNECTION_SEND_CREDIT;
}

/* ---- data for the host ---- */

void connection_forward(struct connection *connection, uint32_t length)
{
    uint32_t untold;

    connection->forwarded += length;
    untold = connection->forwarded - connection->forwarded_told;
    if (untold > CONNECTION_BUFFER - CONNECTION_CREDIT_LEFT_MIN &&
        traits[connection->state].to_host)
        connection->pending |= CONNECTION_SEND_CREDIT;
}

static void append(struct connection *connection, const uint8_t *bytes, size_t length)
{
    uint32_t end = (connection->backlog_start + connection->backlog_length) % CONNECTION_BUFFER;
    size_t first = min_of(length, (size_t)(CONNECTION_BUFFER - end));

    memcpy(connection->backlog + end, bytes, first);
    memcpy(connection->backlog, bytes + first, length - first);
    connection->backlog_length += (uint32_t)length;
}

int connection_keep(struct connection *connection, const struct iovec *segments, unsigned count)
{
    size_t length = 0;

    for (unsigned i = 0; i < count; i++)
        length += segments[i].iov_len;
    if (length > CONNECTION_BUFFER - connection->backlog_length)
        return -ENOBUFS;
    if (connection->backlog == NULL)
        connection->backlog = malloc(CONNECTION_BUFFER);
    if (connection->backlog == NULL)
        return -ENOMEM;
    for (unsigned i = 0; i < count; i++)
        append(connection, segments[i].iov_base, segments[i].iov_len);
    return 0;
}

unsigned connection_kept(const struct connection *connection, struct iovec ret_segments[2])
{
    uint32_t start = connection->backlog_start;
    uint32_t first = min_of(connection->backlog_length, CONNECTION_BUFFER - start);

    if (connection->backlog_length == 0)
        return 0;
    ret_segments[0] = (struct iovec){.iov_base = connection->backlog + start, .iov_len = first};
    if (first == connection->backlog_length)
        return 1;
    ret_segments[1] = (struct iovec){.iov_base = connection->backlog,
                                     .iov_len = connection->backlog_length - first};
    return 2;
}

void connection_drop(struct connection *connection, uint32_t length)
{
    assert(length <= connection->backlog_length);
    connection->backlog_start = (connection->backlog_start + length) % CONNECTION_BUFFER;
    connection->backlog_length -= length;
    connection_forward(connection, length);
    if (connection->backlog_length == 0)
        (void)connection_step(connection, CONNECTION_DRAINED);
}

/* ---- the host's socket ---- */

unsigned connection_watch(const struct connection *connection)
{
    unsigned watch = 0;

    if (connection->backlog_length > 0)
        watch |= CONNECTION_WATCH_WRITE;
    if (traits[connection->state].until_hangup)
        watch |= CONNECTION_WATCH_HANGUP;
    if (connection->state == CONNECTION_WAITING ||
        (traits[connection->state].to_guest && connection_credit(connection) > 0 &&
         (connection->pending & CONNECTION_SEND_DATA) == 0))
        watch |= CONNECTION_WATCH_READ;
    return watch;
}

bool connection_ends_host(const struct connection *connection)
{
    return connection->state == CONNECTION_GUEST_MUTE && connection->backlog_length == 0 &&
           !connection->host_told_of_end;
}

bool connection_is_timed(const struct connection *connection)
{
    return traits[connection->state].ends_by_time &&
           (connection->pending & CONNECTION_SEND_REQUEST) == 0;
}

const char *connection_state_name(enum connection_state state)
{
    return traits[state].name;
}
