/* HTTP over one UNIX socket, one request at a time, on the loop.
 *
 * A server of one thread answers nobody while it works. So a request whose deadline passed stays on
 * the wire until its answer comes, which is then dropped. The next one is sent only after that. So
 * commands keep their order, and there is never more than one connection. Each request has a
 * connection of its own: who holds one of ten keeps others out.
 *
 * An answer is at most HTTP_BODY_MAX bytes. A client has no timer: its owner calls `tick`. */
#ifndef VMRECLAIM_CONTROLLER_HYPERVISORS_HTTP_CLIENT_H
#define VMRECLAIM_CONTROLLER_HYPERVISORS_HTTP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <uv.h>

#include "common/base/error.h"
#include "common/base/time.h"

#define HTTP_BODY_MAX     (1024 * 1024)
#define HTTP_HEADERS_MAX  (16 * 1024)
#define HTTP_REQUESTS_MAX 16
#define HTTP_PATH_SIZE    64

struct http_client;

/* Pointers live until the callback returns. */
struct http_answer {
    /* 0: the server answered, whatever that was. -ETIMEDOUT: not in time; it may act on it later.
     * -EPROTO: what answers is not HTTP. -EMSGSIZE: too much. -ECANCELED: the client was destroyed.
     * Others: the socket's. */
    int status;
    const struct error *error; /* of a status below 0 */
    bool was_sent;             /* false: the server never saw any of it */
    int code;                  /* 200, 404, ... */
    const char *body;          /* ends with '\0'; "" when there is none */
    size_t length;
    pid_t peer; /* who listens there; 0: not in our PID namespace */
};

typedef void (*http_done)(const struct http_answer *answer, void *userdata);

/* 0, -EINVAL: no path of a socket; -ENOMEM. Nothing is connected yet. */
int http_client_create(uv_loop_t *loop, const char *socket_path, struct http_client **ret_client);

/* Unanswered requests end with -ECANCELED. NULL is fine. */
void http_client_destroy(struct http_client *client);

/* `body` is JSON, NULL: none. `done` comes once, never from inside this call. -EBUSY: too many
 * wait. */
int http_client_ask(struct http_client *client, const char *method, const char *path,
                    const char *body, nsec_t timeout, http_done done, void *userdata);

/* Passes deadlines. `now` is CLOCK_MONOTONIC. */
void http_client_tick(struct http_client *client, nsec_t now);

/* CLOCK_MONOTONIC of the last answer, late ones too; 0: none yet. */
nsec_t http_client_heard(const struct http_client *client);

#endif
