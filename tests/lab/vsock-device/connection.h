/* One connection between a socket on the host and one in the guest: its states as a table, credit
 * both ways, and what the host did not take yet. No I/O, no clock; nothing here blocks. */
#ifndef VMRECLAIM_TESTS_LAB_VSOCK_DEVICE_CONNECTION_H
#define VMRECLAIM_TESTS_LAB_VSOCK_DEVICE_CONNECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "common/base/hash.h"
#include "common/base/list.h"
#include "common/base/time.h"
#include "tests/lab/vsock-device/packet.h"

#define CONNECTION_BUFFER          (64u << 10) /* bytes from the guest that wait for the host */
#define CONNECTION_CREDIT_LEFT_MIN (4u << 10)  /* the guest is told of credit below this */
#define CONNECTION_PATIENCE        (2 * NSEC_PER_SEC) /* for an answer that must come */

/* "Mute" sends no more, "deaf" receives no more.
 *
 *     WAITING -> REQUESTED -+
 *                           +-> OPEN -> GUEST_DEAF, GUEST_MUTE, HOST_MUTE -> GUEST_CLOSED or
 *                ACCEPTED --+                                                HOST_CLOSED
 *
 * and from all of them to RESET. Only the guest's RST, and ours once it is sent, end one. */
enum connection_state {
    CONNECTION_NONE, /* in tables: there is no such transition */
    CONNECTION_WAITING,
    CONNECTION_REQUESTED,
    CONNECTION_ACCEPTED,
    CONNECTION_OPEN,
    CONNECTION_GUEST_DEAF,
    CONNECTION_GUEST_MUTE,
    CONNECTION_HOST_MUTE,
    CONNECTION_GUEST_CLOSED, /* the host still takes what waits for it */
    CONNECTION_HOST_CLOSED,  /* the guest's RST is awaited */
    CONNECTION_RESET,        /* our RST is to be sent */
    CONNECTION_STATES,
};

enum connection_event {
    CONNECTION_NAMED,     /* the host said which port it wants */
    CONNECTION_ANSWERED,  /* the guest's RESPONSE */
    CONNECTION_CONFIRMED, /* our RESPONSE is with the guest */
    CONNECTION_DEAFENED,  /* the guest's SHUTDOWN: no more receiving */
    CONNECTION_MUTED,     /* the same: no more sending */
    CONNECTION_SHUT,      /* the same: neither */
    CONNECTION_DRAINED,   /* nothing waits for the host any more */
    CONNECTION_HOST_END,  /* the host sends no more */
    CONNECTION_HANGUP,    /* the host has closed its socket */
    CONNECTION_BROKEN,    /* an error, a violation, no answer in time */
    CONNECTION_EVENTS,
};

/* What is to be told to the guest, as bits; the lowest goes first. */
enum connection_pending {
    CONNECTION_SEND_RST = 1,
    CONNECTION_SEND_RESPONSE = 2,
    CONNECTION_SEND_REQUEST = 4,
    CONNECTION_SEND_SHUTDOWN = 8,
    CONNECTION_SEND_DATA = 16, /* the host's socket has something to read */
    CONNECTION_SEND_CREDIT = 32,
};

/* What to watch the host's socket for, as bits. */
enum connection_watch {
    CONNECTION_WATCH_READ = 1,
    CONNECTION_WATCH_WRITE = 2,
    CONNECTION_WATCH_HANGUP = 4,
};

struct connection {
    struct hash_link link;  /* of the table, while it has ports */
    struct list all;        /* of the table */
    struct list pending_at; /* of the table, while something is pending */
    struct list timed;      /* of the table, while there is a deadline */
    struct list touched;    /* of the multiplexer */
    enum connection_state state;
    uint32_t host_port;
    uint32_t guest_port;
    unsigned pending;
    unsigned watched; /* as the owner of the stream knows it */
    nsec_t deadline;
    bool host_told_of_end; /* its socket is shut for writing */

    /* Credit that the guest gives us. */
    uint32_t guest_buffer;
    uint32_t guest_forwarded;
    uint32_t sent;

    /* Credit that we give the guest. */
    uint32_t forwarded;
    uint32_t forwarded_told;
    uint8_t *backlog; /* a ring; allocated when first needed, freed with the connection */
    uint32_t backlog_start;
    uint32_t backlog_length;

    void *stream; /* the host's socket, for its owner */
};

/* Moves on and notes what is to be told. False: in this state the event means nothing. */
bool connection_step(struct connection *connection, enum connection_event event);

/* Notes the guest's credit, and what its packet means except for RW, which says only whether its
 * data is to be taken: 1. RST is the caller's. */
int connection_take(struct connection *connection, const struct packet_header *header);

/* Bytes that the guest has room for. */
uint32_t connection_credit(const struct connection *connection);

/* All of the header but operation, length and flags. */
void connection_fill(const struct connection *connection, uint64_t guest_cid,
                     struct packet_header *ret_header);

/* The guest has the header, and knows our credit from then on. */
void connection_told(struct connection *connection);

/* `length` bytes of the guest are with the host. */
void connection_forward(struct connection *connection, uint32_t length);

/* -ENOBUFS: the guest sent more than its credit; -ENOMEM. Nothing was added. */
int connection_keep(struct connection *connection, const struct iovec *segments, unsigned count);

/* The bytes that wait for the host, in at most two pieces; returns their number. */
unsigned connection_kept(const struct connection *connection, struct iovec ret_segments[2]);

/* The host took `length` of them. */
void connection_drop(struct connection *connection, uint32_t length);

/* Bits of enum connection_watch. */
unsigned connection_watch(const struct connection *connection);

/* Whether the host is to be told now that the guest sends no more. */
bool connection_ends_host(const struct connection *connection);

/* Whether the state ends by itself after CONNECTION_PATIENCE. */
bool connection_is_timed(const struct connection *connection);

const char *connection_state_name(enum connection_state state);

#endif
