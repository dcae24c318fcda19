/* One call of a client on the daemon, whichever door it came through.
 *
 * Theory of operation: a door (a listener of one protocol) makes a call, says who calls, and hands
 * it to the dispatcher (dispatch.h). The handler ends it, at once or later, with exactly one of
 * api_call_finish and api_call_fail, which free it.
 *
 *     open ------------------> ended
 *       |                        ^
 *       +------> abandoned ------+      the client went away, or its deadline passed
 *
 * Failure modes: a handler that asked with api_call_on_gone is notified of an abandoned call, which
 * has then ended. Any other ends the call as usual, and what it sends goes nowhere. */
#ifndef VMRECLAIM_CONTROLLER_API_CALL_H
#define VMRECLAIM_CONTROLLER_API_CALL_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <sys/types.h>

#include "common/base/error.h"
#include "common/base/time.h"
#include "common/ttrpc/program.h"
#include "controller/actions/id.h"

struct api;
struct api_call;
struct api_method;
struct api_user;
struct rpc_times;
struct ttrpc_share;

/* Who is calling, as the door knows it. */
struct api_caller {
    pid_t pid;
    uid_t uid;
    gid_t gid;
    bool may_read;
    bool may_control;
    bool may_carry;             /* what a fleet wants of this host */
    char name[64];              /* "root", "alice", "uid 1007" */
    char program[PROGRAM_SIZE]; /* "cli", "web"; empty: it does not say */
};

/* How a door answers. Static data; every function is the door's own. */
struct api_door {
    /* One message of a streamed response. -EAGAIN: the reader is slow, nothing was queued. */
    int (*send)(struct api_call *call, const ProtobufCMessage *message);
    /* Calls api_call_drained once there is room again. */
    void (*await_drain)(struct api_call *call);
    /* `response` is NULL for a streamed one. */
    void (*finish)(struct api_call *call, const ProtobufCMessage *response);
    /* `status` is a negative errno. */
    void (*fail)(struct api_call *call, int status, const char *text);
    /* Frees the call. */
    void (*release)(struct api_call *call);
};

enum api_call_state {
    API_CALL_OPEN,
    API_CALL_ABANDONED, /* nobody waits; the handler has yet to end it */
    API_CALL_ENDED,
};

/* Part of what the door allocates. */
struct api_call {
    const struct api_door *door;
    struct api *api;
    struct api_user *user;
    struct ttrpc_share *share; /* of the processor, the user's; NULL: any part of it */
    struct api_caller caller;
    const struct api_method *method; /* set by the dispatcher */
    unsigned method_index;           /* in the service, likewise */
    nsec_t begun;                    /* CLOCK_MONOTONIC, likewise */
    struct rpc_times *times;         /* that it counts in, likewise; NULL: not dispatched */
    char action[ACTION_ID_SIZE];     /* of a call that changes something; else empty */
    enum api_call_state state;
    void (*on_gone)(struct api_call *call, void *userdata);
    void *gone_userdata;
    void (*on_drain)(struct api_call *call, void *userdata);
    void *drain_userdata;
};

/* ---- for handlers ---- */

/* -EAGAIN: the reader is slow, nothing was queued. -EPIPE: nobody reads any more. */
int api_call_send(struct api_call *call, const ProtobufCMessage *message);

/* After -EAGAIN: `on_drain` runs once, when it is worth to go on, or nobody waits any more: then
 * the next api_call_send says so. Who asked with api_call_on_gone learns that by it alone. */
void api_call_on_drain(struct api_call *call,
                       void (*on_drain)(struct api_call *call, void *userdata), void *userdata);

void api_call_finish(struct api_call *call, const ProtobufCMessage *response);

/* `status` is a negative errno, which the door translates. */
void api_call_fail(struct api_call *call, int status, const char *format, ...) printf_like(3, 4);
void api_call_fail_error(struct api_call *call, int status, const struct error *error);

/* `on_gone` runs when nobody waits any more; the call must not be used afterwards. */
void api_call_on_gone(struct api_call *call, void (*on_gone)(struct api_call *call, void *userdata),
                      void *userdata);

/* ---- for doors ---- */

/* The client went away. May free the call. */
void api_call_abandon(struct api_call *call);

/* There is room again. May free the call. */
void api_call_drained(struct api_call *call);

#endif
