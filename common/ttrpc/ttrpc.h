/* ttRPC (containerd/ttrpc PROTOCOL.md) over protobuf-c's descriptors, on a libuv loop.
 *
 * A connection is one connected stream socket. Either end may be the ttRPC server, whoever dialled:
 * the agent dials and serves, the controller accepts and calls. All callbacks run on the loop's
 * thread, never from inside the call that started the operation. */
#ifndef VMRECLAIM_COMMON_TTRPC_TTRPC_H
#define VMRECLAIM_COMMON_TTRPC_TTRPC_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "common/base/list.h"
#include "common/base/time.h"
#include "common/base/util.h"

/* google.rpc.Code */
enum ttrpc_code {
    TTRPC_OK = 0,
    TTRPC_CANCELLED = 1,
    TTRPC_UNKNOWN = 2,
    TTRPC_INVALID_ARGUMENT = 3,
    TTRPC_DEADLINE_EXCEEDED = 4,
    TTRPC_NOT_FOUND = 5,
    TTRPC_ALREADY_EXISTS = 6,
    TTRPC_PERMISSION_DENIED = 7,
    TTRPC_RESOURCE_EXHAUSTED = 8,
    TTRPC_FAILED_PRECONDITION = 9,
    TTRPC_ABORTED = 10,
    TTRPC_OUT_OF_RANGE = 11,
    TTRPC_UNIMPLEMENTED = 12,
    TTRPC_INTERNAL = 13,
    TTRPC_UNAVAILABLE = 14,
    TTRPC_DATA_LOSS = 15,
    TTRPC_UNAUTHENTICATED = 16,
};

/* "NOT_FOUND"; "UNKNOWN" for numbers outside the list. */
const char *ttrpc_code_name(uint32_t code);

/* The code that fits a negative errno, and the errno that becomes this code again; 0 is OK. An
 * errno that fits none is INTERNAL, a number outside the list UNKNOWN. */
enum ttrpc_code ttrpc_code_of_errno(int error);
int ttrpc_code_to_errno(uint32_t code);

/* A field, of whatever message, whose texts have a bound of their own. */
struct ttrpc_text_bound {
    const char *field; /* its name in the .proto file */
    uint32_t bytes;
};

/* What a peer may cost. */
struct ttrpc_limits {
    uint32_t frame_bytes;  /* largest payload of a frame we accept */
    uint32_t streams;      /* concurrent calls the peer may have open on us. Three quarters of them
                              may be streams without a deadline; a new one ends the oldest */
    uint64_t queued_bytes; /* unsent output; past it the connection is closed */
    nsec_t stall; /* a frame that began to arrive or to leave must be through within this, else
                     close; 0: no limit */
    nsec_t idle;  /* without a call and without a byte for so long, close; 0: never */
    /* Received. A peer beyond them is not read until it is within them again, so that its own
     * socket fills and it waits. What it saved up in the last second may come at once. 0: none. */
    uint64_t bytes_per_second;
    uint32_t frames_per_second;
    uint32_t elements;                    /* of one message; 0: any number */
    uint32_t text_bytes;                  /* of each text of a request; 0: any number */
    const struct ttrpc_text_bound *texts; /* instead, for some; ended by one without a name. NULL:
                                             for none */
    bool one_line;       /* each text of a message is made one line that may be shown */
    bool frame_by_frame; /* not more than one message is handled per turn of the loop, at the price
                            of a system call more for each */
};

/* 64 KiB frames, 16 streams, 1 MiB queued, 10 s, no rates. */
extern const struct ttrpc_limits ttrpc_limits_default;

/* For a peer that may be hostile. The same with 256 KiB queued, 4 MiB and 1000 frames a second,
 * 4096 elements, texts of one line, frame by frame. */
extern const struct ttrpc_limits ttrpc_limits_guest;

/* A share of one core, for the processor time that a peer's bytes take us. Shares are charged after
 * the fact, so one message may run into debt. */
struct ttrpc_share {
    uint32_t permyriad; /* of one core; not 0 */
    nsec_t saved_max;   /* processor time that can be saved up */
    nsec_t
        debt_max; /* how long a peer in debt is not read: so often it is heard, whatever it did */
    nsec_t paid_until;         /* CLOCK_MONOTONIC; later than now: in debt until then */
    struct ttrpc_share *whole; /* what this one is a part of, charged with it; NULL: nothing */
    /* Of all peers that have a part of it, one message is handled per turn of the loop. So whoever
     * has none of it waits for one message at most. */
    bool one_in_turn;
    uint64_t turn; /* in which the last one was */
};

/* When the share and all that it is a part of are paid, CLOCK_MONOTONIC. */
nsec_t ttrpc_share_paid_until(const struct ttrpc_share *share);

/* Charges `used` processor time; returns when that is paid. */
nsec_t ttrpc_share_charge(struct ttrpc_share *share, nsec_t used, nsec_t now);

/* What all connections of one kind may cost together; the caller's memory, which must outlive them.
 * When their bytes do not suffice, the connection that holds most is closed, not the one that came
 * last. Counted are the connections, their calls, unsent output and half arrived frames. */
struct ttrpc_budget {
    uint64_t bytes_limit;
    uint32_t connections_limit;
    uint64_t bytes;       /* held now */
    uint32_t connections; /* now */
    uint64_t closed;      /* connections closed for the sake of bytes_limit, ever */
    uint64_t refused;     /* connections refused because of connections_limit, ever */
    struct list members;  /* for the library */
    /* What all peers in debt with their own share may use together, while their own rest. Permyriad
     * 0: each pays its debt from its own. */
    struct ttrpc_share processor;
};

void ttrpc_budget_init(struct ttrpc_budget *budget, uint64_t bytes_limit,
                       uint32_t connections_limit);

/* A key and a value that travel beside a request. */
struct ttrpc_metadata {
    const char *key;
    const char *value;
};

struct ttrpc_connection;
struct ttrpc_call;        /* server side: one call of the peer on us */
struct ttrpc_client_call; /* client side: one call of ours on the peer */

/* ---- server side ---- */

/* Serves one call. `request` lives until the handler returns. The handler, at once or later,
 * ends the call with exactly one of ttrpc_call_finish and ttrpc_call_fail. */
typedef void (*ttrpc_handler)(struct ttrpc_call *call, const ProtobufCMessage *request,
                              void *userdata);

/* One service: handlers[i] serves descriptor->methods[i]; NULL answers UNIMPLEMENTED. `streams` has
 * a bit for each method that streams its responses, `client_streams` for each that takes a stream
 * of requests: protobuf-c descriptors do not say. The handler of the latter gets NULL as request
 * and calls ttrpc_call_on_message. Static data, shared by all connections. */
struct ttrpc_service {
    const ProtobufCServiceDescriptor *descriptor;
    const ttrpc_handler *handlers;
    uint64_t streams;
    uint64_t client_streams;
};

/* The userdata given to the connection that carries the call. */
void *ttrpc_call_connection_userdata(const struct ttrpc_call *call);

/* CLOCK_MONOTONIC when the caller gives up; NSEC_INFINITY: no deadline. At that time the call is
 * failed with DEADLINE_EXCEEDED for the handler, after on_cancel ran. */
nsec_t ttrpc_call_deadline(const struct ttrpc_call *call);

/* Copies the value of a metadata key, ended with '\0'; to be asked while the handler runs.
 * -ENOENT: no such key; -ENOSPC: longer than `size` - 1. */
int ttrpc_call_metadata(const struct ttrpc_call *call, const char *key, char *buffer, size_t size);

/* `on_cancel` runs once when the call ends without the handler's doing: deadline, peer gone,
 * connection closed. Afterwards the call must not be used. Without an on_cancel the call stays
 * valid until the handler ends it; what it then sends goes nowhere. */
void ttrpc_call_on_cancel(struct ttrpc_call *call,
                          void (*on_cancel)(struct ttrpc_call *call, void *userdata),
                          void *userdata);

/* The messages of a streamed request, in order, then NULL once when the client has sent its last.
 * A message lives until the callback returns. To be set while the handler runs. */
void ttrpc_call_on_message(struct ttrpc_call *call,
                           void (*on_message)(struct ttrpc_call *call,
                                              const ProtobufCMessage *message, void *userdata),
                           void *userdata);

/* Sends one message of a streamed response. -EAGAIN: the reader is slow, more than half of
 * queued_bytes is unsent, nothing was queued: coalesce and try on a later occasion.
 * -EPIPE: the connection is closing; -EMSGSIZE: above the protocol's 4 MiB; -ENOMEM. */
int ttrpc_call_send(struct ttrpc_call *call, const ProtobufCMessage *message);

/* The same, but overtakes every queued message that is not urgent, and -EAGAIN comes only when all
 * of queued_bytes is used. */
int ttrpc_call_send_urgent(struct ttrpc_call *call, const ProtobufCMessage *message);

/* `on_drain` runs once when less than a quarter of queued_bytes is unsent: the occasion to go on
 * after -EAGAIN. */
void ttrpc_call_on_drain(struct ttrpc_call *call,
                         void (*on_drain)(struct ttrpc_call *call, void *userdata), void *userdata);

/* Ends the call: OK. `response` is NULL for a streamed response. */
void ttrpc_call_finish(struct ttrpc_call *call, const ProtobufCMessage *response);

/* Ends the call with an error for the peer to read. */
void ttrpc_call_fail(struct ttrpc_call *call, enum ttrpc_code code, const char *format, ...)
    printf_like(3, 4);

/* ---- connection ---- */

/* With services the connection is the server's end, without it is the client's; frames that only
 * the other role may receive are ignored. */
struct ttrpc_connection_options {
    struct ttrpc_limits limits;
    const struct ttrpc_service *const *services; /* NULL-terminated; NULL: none served */
    struct ttrpc_budget *budget;                 /* NULL: none */
    /* The peer's, the caller's memory, which outlives its connections: who connects anew is not
     * forgiven. A peer in debt is not read, on none of them, until the debt is paid. Where it has
     * sent more meanwhile and the budget has a share for debtors, it waits for that one's. An
     * answer to a call of ours costs what is unusual about it. NULL: not measured. */
    struct ttrpc_share *processor;
    /* Of a client: goes with each call that has none of its own. Outlives the connection. */
    const struct ttrpc_metadata *metadata;
    size_t metadata_count;
    void *userdata;
    /* The connection ended; `status` is 0 (closed by us or cleanly by the peer) or a negative
     * errno, `reason` says it in words. Every call has ended before. The connection is freed on
     * return. */
    void (*on_close)(struct ttrpc_connection *connection, int status, const char *reason,
                     void *userdata);
};

/* Takes over `descriptor`, a connected stream socket (closed on failure too), and starts reading.
 * The loop must outlive the connection. -EUSERS: the budget has no room for a connection; -ENOMEM;
 * or what libuv says of the descriptor. */
int ttrpc_connection_create(uv_loop_t *loop, int descriptor,
                            const struct ttrpc_connection_options *options,
                            struct ttrpc_connection **ret_connection);

/* Closes, asynchronously; calls end with CANCELLED or UNAVAILABLE, then on_close runs. Idempotent.
 */
void ttrpc_connection_close(struct ttrpc_connection *connection);

/* Whether the peer has sent a byte. */
bool ttrpc_connection_was_heard(const struct ttrpc_connection *connection);

/* Charges another share from now on. */
void ttrpc_connection_set_processor(struct ttrpc_connection *connection,
                                    struct ttrpc_share *processor);

/* ---- client side ---- */

/* How a call of ours ended. Pointers live until the callback returns. */
struct ttrpc_result {
    enum ttrpc_code code;
    const char *message; /* of the error, one line; "" when OK */
    bool is_breach;      /* the error is ours: what the peer sent is too large, or no message */
    bool is_lost;        /* the error is ours: the connection ended before the answer */
    const ProtobufCMessage *response; /* unary and OK: never NULL; else NULL */
};

/* There is no answer, in time or at all: what was asked for may be done, or go on. */
bool ttrpc_result_is_open(const struct ttrpc_result *result);

typedef void (*ttrpc_result_callback)(const struct ttrpc_result *result, void *userdata);
typedef void (*ttrpc_message_callback)(const ProtobufCMessage *message, void *userdata);

/* Calls a unary method. The callback runs exactly once, also when the connection dies (UNAVAILABLE)
 * or `timeout` passes (DEADLINE_EXCEEDED; 0: none), unless the call is cancelled.
 * `ret_call` may be NULL. 0 or a negative errno (then no callback). */
int ttrpc_call_unary(struct ttrpc_connection *connection, const ProtobufCServiceDescriptor *service,
                     const char *method, const ProtobufCMessage *request, nsec_t timeout,
                     ttrpc_result_callback on_result, void *userdata,
                     struct ttrpc_client_call **ret_call);

/* Calls a method that streams its responses: `on_message` for each, then `on_result` once. */
int ttrpc_call_stream(struct ttrpc_connection *connection,
                      const ProtobufCServiceDescriptor *service, const char *method,
                      const ProtobufCMessage *request, nsec_t timeout,
                      ttrpc_message_callback on_message, ttrpc_result_callback on_result,
                      void *userdata, struct ttrpc_client_call **ret_call);

/* Everything a call can have; the two functions above are its common cases. */
struct ttrpc_request {
    const ProtobufCServiceDescriptor *service;
    const char *method;
    const ProtobufCMessage *message; /* may be NULL when `open` */
    nsec_t timeout;                  /* 0: none */
    const struct ttrpc_metadata *metadata;
    size_t metadata_count;
    bool open;                         /* more messages follow by ttrpc_client_call_send */
    ttrpc_message_callback on_message; /* NULL: a single response, in the result */
    ttrpc_result_callback on_result;
    void *userdata;
};

/* -ENOENT: the service has no such method. -EPIPE: the connection is closing. -EOPNOTSUPP: it is a
 * server's. -EMSGSIZE: above 4 MiB. -EAGAIN: the queue is full. -EOVERFLOW: every stream id has
 * been used, connect anew. -ENOMEM. */
int ttrpc_call_start(struct ttrpc_connection *connection, const struct ttrpc_request *request,
                     struct ttrpc_client_call **ret_call);

/* Sends one more message of an open request. -EPIPE: half-closed before. Else as ttrpc_call_send.
 */
int ttrpc_client_call_send(struct ttrpc_client_call *call, const ProtobufCMessage *message);

/* Tells the server that no more messages follow; responses still may. */
int ttrpc_client_call_half_close(struct ttrpc_client_call *call);

/* Forgets the call: no callback will run. The wire has no cancel: the peer works on. */
void ttrpc_client_call_cancel(struct ttrpc_client_call *call);

#endif
