/* The connection's inside, for server.c and client.c. */
#ifndef VMRECLAIM_COMMON_TTRPC_CONNECTION_H
#define VMRECLAIM_COMMON_TTRPC_CONNECTION_H

#include <stdbool.h>

#include "common/base/list.h"
#include "common/ttrpc/envelope.h"
#include "common/ttrpc/frame.h"
#include "common/ttrpc/loop.h"
#include "common/ttrpc/output.h"
#include "common/ttrpc/ttrpc.h"

/* OPEN -> CLOSING -> freed; nothing leads back. */
enum connection_state {
    CONNECTION_OPEN,
    CONNECTION_CLOSING, /* the descriptor is closed, the handle's close callback is due */
};

struct ttrpc_connection {
    uv_poll_t poll;
    struct ttrpc_loop *loop;
    int descriptor;
    enum connection_state state;
    int poll_events;  /* what poll waits for now */
    bool throttled;   /* not read until `throttle` expires */
    bool held_back;   /* not read until `resume` expires, which waits for output to leave */
    bool half_closed; /* the peer sends no more; not known before it was throttled */
    bool waits;       /* for a deadline only: the descriptor is not polled */
    bool blocked;     /* the socket is full */
    bool heard;       /* a byte came */
    bool in_turn;     /* what was received is being handled */
    struct ttrpc_connection_options options;
    struct frame_parser parser;
    struct output output;
    struct loop_flush flush;       /* linked while output waits for the loop's end of turn */
    struct deadline receive_stall; /* set while a frame is partly here */
    struct deadline send_stall;    /* set while the socket is full */
    struct deadline throttle;      /* set while the peer is beyond its rates or its share */
    struct deadline resume;        /* set when output has left and `held_back` may end */
    struct deadline idle;          /* set while open, where there is a limit */
    uint8_t *rest;                 /* what was read before and held back; NULL: nothing */
    size_t rest_length;
    nsec_t throttled_until;
    uint32_t put_off;   /* how often in a row it was not read for others' debt */
    nsec_t paid_until;  /* what was received is within the rates from then on */
    nsec_t used;        /* last: something came, or a call ended */
    struct list member; /* of the budget */
    uint64_t charged;   /* to the budget */
    struct list calls;  /* of struct ttrpc_call or struct ttrpc_client_call, oldest first */
    uint32_t call_count;
    uint64_t answers;                 /* to calls of ours, so far */
    uint32_t last_stream;             /* the highest id the peer opened, or we */
    uint64_t streams_seen;            /* server: bit i: the peer opened last_stream - 2 * i */
    const struct ttrpc_call *handled; /* the call whose handler runs now */
    const struct envelope_request *handled_request;
    bool closed_here; /* by ttrpc_connection_close */
    int status;       /* why it closed */
    char reason[128];
};

static inline bool connection_is_server(const struct ttrpc_connection *connection)
{
    return connection->options.services != NULL;
}

/* What holds for a connection between any two steps, asserted. */
void connection_check(const struct ttrpc_connection *connection);

/* Closes with a reason; the first one stays. */
void connection_fail(struct ttrpc_connection *connection, int status, const char *format, ...)
    printf_like(3, 4);

/* Queues a frame; the caller fills the returned payload at once. NULL: the connection is closing,
 * perhaps because of this very frame: no memory, or the peer does not read what the socket holds.
 */
uint8_t *connection_append(struct ttrpc_connection *connection, const struct frame_header *header,
                           bool urgent);

/* Writes what the socket takes. False: that failed, and the connection is closing. */
bool connection_offer(struct ttrpc_connection *connection);

/* Makes the poll wait for what it should wait for now. */
void connection_update_poll(struct ttrpc_connection *connection);

/* Tells the budget what the connection holds now; may close this one or another. */
void connection_charge(struct ttrpc_connection *connection);

/* -EAGAIN when the payload would not fit into so many halves of queued_bytes (an empty queue takes
 * any); -EPIPE: closing; -EMSGSIZE: above the protocol's limit. */
int connection_check_queue(const struct ttrpc_connection *connection, unsigned halves,
                           size_t payload_size);

/* Queues a message as a data frame, checked as ttrpc_call_send says. `message` NULL: no data. */
int connection_send_data(struct ttrpc_connection *connection, uint32_t stream, uint8_t flags,
                         const ProtobufCMessage *message, bool urgent);

/* ---- receive.c ---- */
void receive_init(struct ttrpc_connection *connection);
void receive_begin(struct ttrpc_connection *connection);  /* open */
void receive_stop(struct ttrpc_connection *connection);   /* closing: no deadline any more */
void receive_finish(struct ttrpc_connection *connection); /* gives the memory back */

/* What the poll should wait for. */
int receive_events(const struct ttrpc_connection *connection);

/* Something can be read. */
void receive(struct ttrpc_connection *connection);

/* Output was offered to the socket. */
void receive_drained(struct ttrpc_connection *connection);

/* Decodes into the loop's arena, which the caller resets after use. NULL: malformed, a string that
 * is not UTF-8, or it unfolds into too much. */
ProtobufCMessage *connection_decode(struct ttrpc_connection *connection,
                                    const ProtobufCMessageDescriptor *descriptor,
                                    struct slice payload);

/* ---- cost.c ---- */
void cost_init(struct ttrpc_connection *connection);
void cost_stop(struct ttrpc_connection *connection);

/* What was there before a read, to know what it cost. */
struct turn {
    nsec_t begun; /* processor time; 0: not measured */
    uint64_t answers;
};

struct turn cost_begin_turn(struct ttrpc_connection *connection);

/* The peer may have to rest: it is then throttled. */
void cost_end_turn(struct ttrpc_connection *connection, const struct turn *turn, size_t bytes,
                   uint32_t frames);

/* Whether the peer's share is in debt, by whichever connection: this one is then throttled. Or
 * another one that shares it was read in this turn. */
bool cost_has_to_wait(struct ttrpc_connection *connection);

/* Around what a server sends later than in the turn that asked for it. 0: not measured. */
nsec_t cost_begin_answer(const struct ttrpc_connection *connection);
void cost_end_answer(struct ttrpc_connection *connection, nsec_t begun);

/* Throttled, and the peer has closed one direction or both. */
void cost_peer_closed(struct ttrpc_connection *connection);

/* ---- server.c ---- */
extern const size_t server_call_size;
void server_receive(struct ttrpc_connection *connection, const struct frame *frame);
void server_drained(struct ttrpc_connection *connection);
void server_end_calls(struct ttrpc_connection *connection);

/* ---- client.c ---- */
extern const size_t client_call_size;
void client_receive(struct ttrpc_connection *connection, const struct frame *frame);
void client_end_calls(struct ttrpc_connection *connection);

#endif
