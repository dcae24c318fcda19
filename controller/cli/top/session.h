/* The peer's side of the screen, who is the daemon or another one: one connection that is kept, or
 * made again; the lists, a page of each per second at most; events; and what was ordered. All of it
 * goes into the model.
 *
 * dialling -> connected -> (pages, events, calls) -> lost -> waiting -> dialling. Before the first
 * answer a failure ends the program with an exit code. After it the model is told why nobody
 * answers, and the daemon is dialled again. */
#ifndef VMRECLAIM_CONTROLLER_CLI_TOP_SESSION_H
#define VMRECLAIM_CONTROLLER_CLI_TOP_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

#include "common/ttrpc/ttrpc.h"
#include "controller/cli/cli.h"
#include "controller/cli/top/model.h"
#include "controller/cli/top/requests.h"

/* A list of the peer. */
struct top_list {
    const char *method;
    uint32_t page_size;
    /* Sets what its request has besides pages; NULL: nothing. */
    void (*prepare)(ProtobufCMessage *request);
    /* Takes a page into the model. -ENOMEM: some of it is not shown. */
    int (*take)(struct top_model *model, const ProtobufCMessage *page);
};

enum { TOP_LISTS = 2 };

/* Who is asked, and for what. Static data. */
struct top_peer {
    const ProtobufCServiceDescriptor *service;
    /* The first one is what the screen waits for; the second has details, or is another kind. */
    struct top_list lists[TOP_LISTS];
    bool has_events;
    /* A request that explains the chosen row, and its method. Its texts live until the next one;
     * free() it. NULL: no memory. */
    ProtobufCMessage *(*make_explain)(const struct top_model *model, const char *name,
                                      const char **ret_method);
    void (*take_explanation)(struct top_model *model, const ProtobufCMessage *response);
};

/* The daemon of a host; daemon.c. */
extern const struct top_peer top_daemon;

/* A list, page after page, for ever. */
struct top_walk {
    struct top_session *session;
    const struct top_list *list;
    char token[256];
    bool is_under_way;
    uint64_t passes; /* over all pages */
    char why[160];   /* its last page failed; "": it did not */
};

struct top_session {
    struct cli *cli;
    uv_loop_t *loop;
    struct top_model *model;
    struct ttrpc_connection *connection; /* NULL: there is none */
    bool is_dialling;
    unsigned losses; /* in a row */
    unsigned wait;   /* ticks until it is dialled again */
    const struct top_peer *peer;
    struct top_walk walks[TOP_LISTS];
    bool is_watching; /* events */
    size_t acting;    /* actions that were ordered and have not ended */
    bool has_answered;
    bool is_ending;
    int code;       /* why the program ends; EXIT_DONE: it goes on */
    bool is_urgent; /* what came is waited for by a person; who draws clears it */
};

/* Begins to dial. What fails until has_answered is said, and `code` is set. */
void top_session_start(struct top_session *session, const struct top_peer *peer, struct cli *cli,
                       uv_loop_t *loop, struct top_model *model);

/* Once a second. */
void top_session_tick(struct top_session *session);

/* The peer has answered all that it was asked for a list. */
bool top_session_hears(const struct top_session *session);

/* Does what the person wants: explains a VM, or acts on it. */
void top_session_do(struct top_session *session, const struct top_intention *intention);

/* Ends it; the loop runs dry. What was begun goes on in the daemon. */
void top_session_end(struct top_session *session);

#endif
