/* One answer of the daemon or the coordinator, whole: a list with all its pages, a stream with all
 * its messages, a text with all its pieces. */
#ifndef VMRECLAIM_CONTROLLER_CLIENT_FETCH_H
#define VMRECLAIM_CONTROLLER_CLIENT_FETCH_H

#include <stdint.h>

#include "controller/client/upstream.h"

/* Under way at once; the daemon takes 16 calls of a connection. Others wait for their turn. */
#define FETCHES_MAX         8
#define FETCHES_WAITING_MAX 64

/* Of one answer; a daemon sends 3 MiB in a page. */
#define FETCH_BYTES (16u << 20)

enum fetch_form {
    FETCH_ONE,
    FETCH_PAGES,  /* the request has page_token, the response next_page_token */
    FETCH_STREAM, /* of messages that make one */
    FETCH_TEXT,   /* DumpState: a stream of pieces of one text */
};

/* `result` as of a unary call. */
typedef void (*fetch_callback)(const struct ttrpc_result *result, void *userdata);

struct fetch; /* under way, or waiting */

struct fetcher {
    struct upstream *upstream;
    struct upstream_listener listener;
    struct list waiting; /* struct fetch */
    struct list running;
    unsigned waiting_count;
    unsigned running_count;
};

void fetcher_init(struct fetcher *fetcher, struct upstream *upstream);

struct fetch_request {
    const char *method;
    enum fetch_form form;
    const ProtobufCMessage *message; /* copied */
    uint64_t wanted;                 /* entries of FETCH_PAGES; 0: all */
    nsec_t timeout;                  /* of each call */
    fetch_callback on_end;
    void *userdata;
};

/* The callback runs exactly once, later, unless the fetch is cancelled. -EPIPE: there is no
 * connection, upstream.problem says why; -EBUSY: too many wait already; -ENOMEM; or as
 * ttrpc_call_start. Then it does not run. */
int fetch_start(struct fetcher *fetcher, const struct fetch_request *request,
                struct fetch **ret_fetch);
void fetch_cancel(struct fetch *fetch);

#endif
