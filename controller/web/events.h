/* /events: the daemon's events as server-sent events. One stream from the daemon is shared by all
 * browsers, and its events are made to text once.
 *
 * A message is an event as of `vmreclaim --json events`, without the guest's raw sample. Events
 * "daemon" and "fleet" have {"connected": true or false}: first of all, where one is asked, and
 * when that changes. An event "missed" says that some were lost: whoever shows a state reads it
 * anew. Samples are sent together, once a second. */
#ifndef VMRECLAIM_CONTROLLER_WEB_EVENTS_H
#define VMRECLAIM_CONTROLLER_WEB_EVENTS_H

#include "controller/client/upstream.h"
#include "controller/web/ring.h"
#include "controller/web/server.h"

/* What is collected until it is sent. */
#define EVENTS_PENDING_BYTES ((size_t)2 << 20)

/* Whose coming and going is told. */
struct events_peer {
    struct events *events;
    const char *name; /* of the event */
    struct upstream *upstream;
    struct upstream_listener listener;
    bool is_connected; /* as it was said last */
};

struct events {
    struct events_peer daemon;
    struct events_peer fleet;
    struct ttrpc_client_call *watch; /* NULL: nobody has come yet, or the daemon is away */
    struct list streams;             /* struct stream */
    struct ring ring;
    char *pending; /* text that is to be sent */
    size_t pending_length;
    bool was_lost; /* of pending: there was no room for more */
    uv_timer_t flush;
    nsec_t flush_due; /* CLOCK_MONOTONIC; NSEC_INFINITY: nothing is pending */
    uv_timer_t alive; /* a comment now and then: who has left is noticed when it is written to */
    uv_timer_t again; /* until the daemon is asked anew, when it ended the watch alone */
    struct log_limit complaints;
};

/* The caller's memory, until the loop is dry. */
void events_init(struct events *events, uv_loop_t *loop, struct upstream *daemon,
                 struct upstream *fleet);

/* Streams have ended before. */
void events_stop(struct events *events);

void events_answer(struct events *events, struct request *request);

#endif
