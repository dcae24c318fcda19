/* An HTTP server as Firecracker and Cloud Hypervisor have it, on the test's own loop: one thread
 * for all connections, and ways to be broken.
 *
 * It follows micro-http at 7975fe0e59000e8c41cb1d58fbd39ffa102e5b27, file by file:
 * - src/connection.rs: a line of a request has at most 1024 bytes; a body is what Content-Length
 *   says, of any method; chunks are not read.
 * - src/common/headers.rs: a header without a colon, or a length that is no number, is an error.
 * - src/common/mod.rs: GET, PUT, PATCH and DELETE, and no others; HTTP/1.0 and 1.1.
 * - src/server.rs: ten connections, the next one is told 503 and closed; an error of parsing drops
 *   what is unanswered and keeps the connection; while a request is handled nothing is read and
 *   nobody is accepted.
 * - src/response.rs: a status line ends with a space and no reason; 204 has no Content-Length;
 *   connections are kept alive. */
#ifndef VMRECLAIM_TESTS_FAKES_MICRO_HTTP_H
#define VMRECLAIM_TESTS_FAKES_MICRO_HTTP_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

#define MICRO_HTTP_CONNECTIONS_MAX 10

enum micro_http_fault {
    MICRO_HTTP_WORKS,
    MICRO_HTTP_GARBAGE,      /* answers with what is not HTTP */
    MICRO_HTTP_BODY_ENDLESS, /* a body without end */
    MICRO_HTTP_HEADERS_ENDLESS,
    MICRO_HTTP_BODY_SHORT, /* closes in the middle of a body */
    MICRO_HTTP_HANGS_UP,   /* closes instead of answering */
    MICRO_HTTP_GREETS,     /* speaks first, as another protocol's server does */
};

struct micro_http_request {
    char method[8];
    char path[128];
    const char *body; /* NULL: none */
    size_t body_length;
};

struct micro_http_response {
    int status;
    char *body; /* from malloc, taken over; NULL: none */
};

typedef void (*micro_http_handler)(const struct micro_http_request *request,
                                   struct micro_http_response *response, void *userdata);

struct micro_http {
    uv_loop_t *loop;
    uv_pipe_t listening;
    bool is_listening;
    bool is_waiting; /* somebody connected during a stall */
    bool is_stalled;
    struct micro_http_connection *connections; /* a chain */
    unsigned connection_count;
    unsigned refused; /* the eleventh connections so far */
    unsigned accepted;
    unsigned requests;
    unsigned parse_errors;
    enum micro_http_fault fault;
    const char *name;   /* of the Server header */
    size_t payload_max; /* bytes */
    micro_http_handler handler;
    void *userdata;
};

void micro_http_init(struct micro_http *server, uv_loop_t *loop, micro_http_handler handler,
                     void *userdata);
int micro_http_listen(struct micro_http *server, const char *path);

/* Its handles close on the loop's next turns. */
void micro_http_close(struct micro_http *server);

/* Ends every connection, and with it what is unanswered there. */
void micro_http_drop_clients(struct micro_http *server);

/* True: the thread is held by what it does now, also an answer that is under way. */
void micro_http_stall(struct micro_http *server, bool is_stalled);

/* An answer of JSON. `json` is taken over. */
void micro_http_answer(struct micro_http_response *response, int status, json_t *json);

#endif
