/* HTTP on the loop: connections, requests, and what they may cost. libmicrohttpd parses; here are
 * its clock, its sockets and its bounds. One thread.
 *
 * Whoever connects is in one of three lists. Idle: it has asked for nothing yet, or not again.
 * Busy: it asked, and has not got all of the answer. Streaming: its answer has no end. When all
 * places are taken, the one idle for longest makes room; then a busy one that has had BUSY_MAX. So
 * a thousand idle connections keep nobody out. */
#ifndef VMRECLAIM_CONTROLLER_WEB_SERVER_H
#define VMRECLAIM_CONTROLLER_WEB_SERVER_H

#include <stdbool.h>
#include <uv.h>

#include <microhttpd.h>

#include "common/base/error.h"
#include "common/base/list.h"
#include "common/base/log.h"
#include "common/base/time.h"
#include "common/base/util.h"
#include "controller/web/guard.h"

#define SERVER_VISITORS_MAX 320
#define SERVER_STREAMS_MAX  256

/* Unsent output of one client that the kernel holds, beside CONNECTION_BYTES of ours. */
#define SERVER_OUTPUT_BYTES (192 << 10)

/* Bodies of all answers that are on their way. Beyond it whoever reads longest is cut off. */
#define SERVER_BODIES_BYTES (64u << 20)

struct reply;
struct request;

/* Answers the request: at once, or later after request_wait(). */
typedef void (*server_handler)(struct request *request, void *userdata);

struct server_options {
    struct guard guard;
    bool has_tls; /* with the certificate that is in use */
    server_handler on_request;
    void *userdata;
};

struct server {
    uv_loop_t *loop;
    struct server_options options;
    struct MHD_Daemon *http;
    uv_poll_t poll;       /* of its epoll descriptor */
    uv_timer_t timer;     /* its next timeout, or at once */
    unsigned turns_alone; /* that it wanted since something came */
    struct list idle;     /* struct visitor, the longest first; so the others */
    struct list busy;
    struct list streaming;
    struct list leaving; /* shut down, and not gone yet */
    struct list waiting; /* struct request: suspended */
    unsigned visitors;   /* without those that are leaving */
    unsigned leavers;
    unsigned streams;
    bool is_stopping;
    struct log_limit complaints;
};

/* The caller's memory, until the loop is dry. */
int server_init(struct server *server, uv_loop_t *loop, const struct server_options *options,
                struct error *error);

/* So that whoever streams connects anew. */
void server_end_streams(struct server *server);

/* Ends all connections. Handles close on the loop's next turns. */
void server_stop(struct server *server);

/* A new connection; `descriptor` is the server's. */
void server_take(struct server *server, int descriptor);

/* ---- a request, until it is answered or its client has gone ---- */

/* "/api/vms", decoded. */
const char *request_path(const struct request *request);
/* Each argument of the query, decoded, until `take` returns false. */
void request_each_argument(struct request *request,
                           bool (*take)(const char *name, const char *value, void *userdata),
                           void *userdata);
/* NULL: there is none. */
const char *request_header(const struct request *request, const char *name);

/* As attempts_address() counts where it came from. */
uint64_t request_address(const struct request *request);

/* The answer; takes over the reference. NULL stands for no memory, and ends the connection. Once,
 * in the handler or after request_wait(). */
void request_answer(struct request *request, unsigned status, struct reply *reply);

/* A sentence for a person as text/plain. */
void request_refuse(struct request *request, unsigned status, const char *format, ...)
    printf_like(3, 4);

/* The answer comes later. `on_gone` runs when the request ends: answered, or without its client.
 * Then it must not be used any more. */
void request_wait(struct request *request, void (*on_gone)(struct request *request, void *userdata),
                  void *userdata);

/* Of an answer that is a stream: its connection sleeps until it is woken. To be called by the
 * stream's reader. False: the server stops, the stream has to end. */
bool request_sleep(struct request *request);
void request_wake(struct request *request);

/* A place among the streams, until the request ends. False: all are taken. */
bool request_enter_streams(struct request *request);

#endif
