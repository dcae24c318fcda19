/* libmicrohttpd under libuv. Its own epoll descriptor is polled; MHD_run() does what is due, and
 * then says when it wants to be called again. Resuming a connection wakes nobody: MHD_run() has to
 * be called after it. MHD_stop_daemon() ends the process while a connection is suspended, so all
 * are resumed before. A method or host is refused in the handler's first call: an answer in a call
 * that brings upload data never arrives. A connection whose TLS handshake waits for its client
 * makes it ask to be called again at once, for ever (0.9.75): after some turns in vain it is let
 * wait, unless its descriptor says that something has come. */
#include "controller/web/server.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/text.h"
#include "controller/web/attempts.h"
#include "controller/web/certificate.h"
#include "controller/web/reply.h"

/* A request's line and headers, and what is on its way out of our memory. */
#define CONNECTION_BYTES ((size_t)32 << 10)

/* Those that are leaving have places of their own. */
#define LEAVING_MAX 128

/* Without a byte for so long a connection is closed; streams are written more often. */
#define IDLE_SECONDS 30u

/* Older versions have known faults. */
#define TLS_VERSIONS "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"

/* Turns that the HTTP library wants while nothing comes: so many at once, then so many after a
 * millisecond each, then after longer. Sending takes a few, until the kernel's buffer is full. */
enum { TURNS_AT_ONCE = 32, TURNS_SOON = 64, PAUSE_MS = 50 };

/* What an answer may take when others wait for its place. */
#define BUSY_MAX (10 * NSEC_PER_SEC)

/* One connection. Who is leaving stays in that list, and asks for nothing more: what it sent before
 * may still be read. */
struct visitor {
    struct list link; /* of one of the server's lists */
    struct server *server;
    int descriptor;
    nsec_t since; /* it is in this list */
    bool is_leaving;
};

struct request {
    struct server *server;
    struct MHD_Connection *http;
    struct visitor *visitor;
    char *path;
    struct list waiting; /* of the server's, while suspended */
    bool is_handled;     /* the handler was called */
    bool waits;          /* the answer comes later */
    bool is_answered;
    bool is_stream;
    unsigned status;
    struct reply *reply;
    void (*on_gone)(struct request *request, void *userdata);
    void *userdata;
};

/* ---- the clock ---- */

static void run_http(struct server *server);

static void on_timer(uv_timer_t *timer)
{
    run_http(timer->data);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct server *server = poll->data;

    server->turns_alone = 0;
    run_http(server);
}

static void run_soon(struct server *server)
{
    server->turns_alone = 0;
    if (!server->is_stopping)
        uv_timer_start(&server->timer, on_timer, 0, 0);
}

/* How long it is let wait that wants to be called at once, in milliseconds. */
static uint64_t pause_of(struct server *server)
{
    if (!server->options.has_tls || ++server->turns_alone <= TURNS_AT_ONCE)
        return 0;
    return server->turns_alone <= TURNS_SOON ? 1 : PAUSE_MS;
}

static void run_http(struct server *server)
{
    MHD_UNSIGNED_LONG_LONG milliseconds;

    if (server->http == NULL)
        return;
    (void)MHD_run(server->http);
    if (server->is_stopping)
        return;
    if (MHD_get_timeout(server->http, &milliseconds) == MHD_YES)
        uv_timer_start(&server->timer, on_timer,
                       milliseconds == 0 ? pause_of(server) : milliseconds, 0);
    else
        (void)uv_timer_stop(&server->timer);
}

/* ---- visitors ---- */

static void move_to(struct visitor *visitor, struct list *list)
{
    list_remove(&visitor->link);
    list_append(list, &visitor->link);
    visitor->since = time_monotonic();
}

static struct visitor *first_of(struct list *list)
{
    return list_is_empty(list) ? NULL : list_entry(list->next, struct visitor, link);
}

/* MHD sees the end of the connection when it runs next. */
static void show_out(struct visitor *visitor)
{
    struct server *server = visitor->server;

    assert(!visitor->is_leaving);
    (void)shutdown(visitor->descriptor, SHUT_RDWR);
    move_to(visitor, &server->leaving);
    visitor->is_leaving = true;
    server->leavers++;
    server->visitors--;
    run_soon(server);
}

static bool make_room(struct server *server)
{
    struct visitor *busy = first_of(&server->busy);

    if (!list_is_empty(&server->idle))
        show_out(first_of(&server->idle));
    else if (busy != NULL && time_monotonic() - busy->since > BUSY_MAX)
        show_out(busy);
    return server->visitors < SERVER_VISITORS_MAX;
}

void server_take(struct server *server, int descriptor)
{
    const int output = SERVER_OUTPUT_BYTES / 2; /* the kernel doubles it */
    struct sockaddr_storage nowhere = {.ss_family = AF_INET};

    if (server->is_stopping || (server->visitors >= SERVER_VISITORS_MAX && !make_room(server))) {
        close(descriptor);
        return;
    }
    if (server->leavers >= LEAVING_MAX / 2)
        run_http(server);
    (void)setsockopt(descriptor, SOL_SOCKET, SO_SNDBUF, &output, sizeof(output));
    (void)MHD_add_connection(server->http, descriptor, (const struct sockaddr *)&nowhere,
                             sizeof(struct sockaddr_in));
    run_soon(server);
}

static void on_connection(void *userdata, struct MHD_Connection *connection, void **context,
                          enum MHD_ConnectionNotificationCode code)
{
    struct server *server = userdata;
    struct visitor *visitor = *context;

    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        visitor = calloc(1, sizeof(*visitor));
        *context = visitor;
        if (visitor == NULL)
            return; /* its first request ends it */
        visitor->server = server;
        visitor->descriptor =
            MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
        list_init(&visitor->link);
        move_to(visitor, &server->idle);
        server->visitors++;
    } else if (visitor != NULL) {
        server->leavers -= visitor->is_leaving ? 1 : 0;
        server->visitors -= visitor->is_leaving ? 0 : 1;
        list_remove(&visitor->link);
        free(visitor);
    }
}

/* ---- requests ---- */

const char *request_path(const struct request *request)
{
    return request->path;
}

struct each {
    bool (*take)(const char *name, const char *value, void *userdata);
    void *userdata;
};

static enum MHD_Result on_argument(void *userdata, enum MHD_ValueKind kind, const char *name,
                                   const char *value)
{
    const struct each *each = userdata;

    return each->take(name, value == NULL ? "" : value, each->userdata) ? MHD_YES : MHD_NO;
}

void request_each_argument(struct request *request,
                           bool (*take)(const char *name, const char *value, void *userdata),
                           void *userdata)
{
    struct each each = {take, userdata};

    (void)MHD_get_connection_values(request->http, MHD_GET_ARGUMENT_KIND, on_argument, &each);
}

const char *request_header(const struct request *request, const char *name)
{
    return MHD_lookup_connection_value(request->http, MHD_HEADER_KIND, name);
}

uint64_t request_address(const struct request *request)
{
    struct sockaddr_storage name = {.ss_family = AF_UNSPEC};
    socklen_t length = sizeof(name);

    (void)getpeername(request->visitor->descriptor, (struct sockaddr *)&name, &length);
    return attempts_address((const struct sockaddr *)&name);
}

static void resume(struct request *request)
{
    if (list_is_empty(&request->waiting))
        return;
    list_remove(&request->waiting);
    MHD_resume_connection(request->http);
    run_soon(request->server);
}

static void suspend(struct request *request)
{
    assert(list_is_empty(&request->waiting));
    list_append(&request->server->waiting, &request->waiting);
    MHD_suspend_connection(request->http);
}

void request_answer(struct request *request, unsigned status, struct reply *reply)
{
    assert(!request->is_answered);
    request->is_answered = true;
    request->status = status;
    request->reply = reply;
    resume(request);
}

void request_refuse(struct request *request, unsigned status, const char *format, ...)
{
    char *text = malloc(1024);
    va_list arguments;

    if (text != NULL) {
        va_start(arguments, format);
        (void)text_format_list(text, 1024, format, arguments);
        va_end(arguments);
    }
    request_answer(request, status,
                   text == NULL ? NULL : reply_create(REPLY_TEXT, text, strlen(text)));
}

void request_wait(struct request *request, void (*on_gone)(struct request *request, void *userdata),
                  void *userdata)
{
    request->waits = true;
    request->on_gone = on_gone;
    request->userdata = userdata;
}

bool request_sleep(struct request *request)
{
    if (request->server->is_stopping)
        return false;
    suspend(request);
    return true;
}

void request_wake(struct request *request)
{
    resume(request);
}

bool request_enter_streams(struct request *request)
{
    struct server *server = request->server;

    if (server->streams >= SERVER_STREAMS_MAX)
        return false;
    server->streams++;
    request->is_stream = true;
    move_to(request->visitor, &server->streaming);
    return true;
}

static void end_request(struct request *request)
{
    list_remove(&request->waiting);
    if (request->is_stream)
        request->server->streams--;
    if (request->on_gone != NULL)
        request->on_gone(request, request->userdata);
    reply_release(request->reply);
    free(request->path);
    free(request);
}

static void on_completed(void *userdata, struct MHD_Connection *connection, void **context,
                         enum MHD_RequestTerminationCode code)
{
    struct server *server = userdata;
    struct request *request = *context;

    *context = NULL;
    if (request == NULL)
        return;
    if (!request->visitor->is_leaving)
        move_to(request->visitor, &server->idle);
    end_request(request);
}

/* ---- answering ---- */

/* Whoever has been reading longest gives way when the bodies of all take too much. */
static void bound_bodies(struct server *server)
{
    if (reply_bytes() > SERVER_BODIES_BYTES && !list_is_empty(&server->busy))
        show_out(first_of(&server->busy));
}

static enum MHD_Result send_answer(struct request *request)
{
    enum MHD_Result result;

    if (request->reply == NULL)
        return MHD_NO;
    result = MHD_queue_response(request->http, request->status, request->reply->response);
    reply_release(request->reply);
    request->reply = NULL;
    return result;
}

static unsigned check(const struct request *request, const char *method, const char **ret_reason)
{
    const struct guard_request asked = {
        .method = method,
        .path = request->path,
        .host = request_header(request, MHD_HTTP_HEADER_HOST),
        .fetch_site = request_header(request, "Sec-Fetch-Site"),
        .fetch_mode = request_header(request, "Sec-Fetch-Mode"),
        .has_body = request_header(request, MHD_HTTP_HEADER_CONTENT_LENGTH) != NULL ||
                    request_header(request, MHD_HTTP_HEADER_TRANSFER_ENCODING) != NULL,
    };

    return guard_check(&request->server->options.guard, &asked, ret_reason);
}

static struct request *create_request(struct server *server, struct MHD_Connection *connection,
                                      const char *path)
{
    struct request *request = calloc(1, sizeof(*request));

    if (request == NULL)
        return NULL;
    request->server = server;
    request->http = connection;
    request->visitor =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
    request->path = strdup(path);
    list_init(&request->waiting);
    if (request->path != NULL && request->visitor != NULL && !request->visitor->is_leaving)
        return request;
    free(request->path);
    free(request);
    return NULL;
}

static enum MHD_Result begin_request(struct server *server, struct MHD_Connection *connection,
                                     const char *path, const char *method, void **context)
{
    struct request *request = create_request(server, connection, path);
    const char *reason;
    unsigned refusal;

    if (request == NULL)
        return MHD_NO;
    *context = request;
    move_to(request->visitor, &server->busy);
    bound_bodies(server);
    refusal = check(request, method, &reason);
    if (refusal == 0)
        return MHD_YES;
    request_refuse(request, refusal, "%s", reason);
    return send_answer(request);
}

/* An answer in the first call would end the connection, so the handler comes in the second. */
static enum MHD_Result handle(struct server *server, struct request *request)
{
    request->is_handled = true;
    server->options.on_request(request, server->options.userdata);
    if (request->is_answered)
        return send_answer(request);
    assert(request->waits);
    suspend(request);
    return MHD_YES;
}

static enum MHD_Result on_request(void *userdata, struct MHD_Connection *connection,
                                  const char *path, const char *method, const char *version,
                                  const char *upload, size_t *upload_size, void **context)
{
    struct server *server = userdata;
    struct request *request = *context;

    if (server->is_stopping)
        return MHD_NO;
    if (request == NULL)
        return begin_request(server, connection, path, method, context);
    if (!request->is_handled)
        return handle(server, request);
    if (!request->is_answered) /* it was resumed for nothing */
        return MHD_NO;
    return send_answer(request);
}

/* ---- beginning and end ---- */

static void on_complaint(void *userdata, const char *format, va_list arguments) printf_like(2, 0);

/* Each client that leaves in the middle is a line of MHD's. */
static void on_complaint(void *userdata, const char *format, va_list arguments)
{
    struct server *server = userdata;
    char text[256];
    unsigned suppressed;

    text_format_list(text, sizeof(text), format, arguments);
    text_make_safe(text_trim(text), TEXT_ONE_LINE);
    if (log_limit_pass(&server->complaints, time_monotonic(), &suppressed))
        log_debug("http: %s (%u more like this)", text, suppressed);
}

static struct MHD_Daemon *start_http(struct server *server)
{
    unsigned flags =
        MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_NO_LISTEN_SOCKET | MHD_USE_ERROR_LOG;
    const union {
        gnutls_certificate_retrieve_function3 *function;
        void *pointer;
    } give = {certificate_give};
    struct MHD_OptionItem tls[] = {
        {MHD_OPTION_HTTPS_CERT_CALLBACK2, 0, give.pointer},
        {MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)TLS_VERSIONS},
        {MHD_OPTION_END, 0, NULL},
    };

    if (!server->options.has_tls)
        tls[0].option = MHD_OPTION_END;
    else
        flags |= MHD_USE_TLS;
    return MHD_start_daemon(
        flags, 0, NULL, NULL, on_request, server, MHD_OPTION_EXTERNAL_LOGGER, on_complaint, server,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)(SERVER_VISITORS_MAX + LEAVING_MAX),
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_BYTES, MHD_OPTION_CONNECTION_TIMEOUT,
        IDLE_SECONDS, MHD_OPTION_NOTIFY_COMPLETED, on_completed, server,
        MHD_OPTION_NOTIFY_CONNECTION, on_connection, server, MHD_OPTION_ARRAY, tls, MHD_OPTION_END);
}

int server_init(struct server *server, uv_loop_t *loop, const struct server_options *options,
                struct error *error)
{
    const union MHD_DaemonInfo *info;
    int r;

    *server = (struct server){
        .loop = loop,
        .options = *options,
        .complaints = {.interval = 10 * NSEC_PER_SEC, .burst = 5},
    };
    list_init(&server->idle);
    list_init(&server->busy);
    list_init(&server->streaming);
    list_init(&server->leaving);
    list_init(&server->waiting);
    server->http = start_http(server);
    if (server->http == NULL)
        return error_set(error, -EINVAL, "the HTTP server does not start");
    info = MHD_get_daemon_info(server->http, MHD_DAEMON_INFO_EPOLL_FD);
    r = uv_poll_init(loop, &server->poll, info->epoll_fd);
    if (r < 0) {
        MHD_stop_daemon(server->http);
        return error_set(error, r, "the event loop refused the HTTP server: %s", uv_strerror(r));
    }
    uv_timer_init(loop, &server->timer);
    server->poll.data = server;
    server->timer.data = server;
    (void)uv_poll_start(&server->poll, UV_READABLE, on_poll);
    return 0;
}

void server_end_streams(struct server *server)
{
    while (!list_is_empty(&server->streaming))
        show_out(first_of(&server->streaming));
}

void server_stop(struct server *server)
{
    struct MHD_Daemon *http = server->http;

    server->is_stopping = true;
    while (!list_is_empty(&server->waiting)) {
        struct request *request = list_entry(server->waiting.next, struct request, waiting);

        resume(request);
    }
    uv_close((uv_handle_t *)&server->poll, NULL);
    uv_close((uv_handle_t *)&server->timer, NULL);
    (void)MHD_run(http); /* those that were resumed */
    server->http = NULL;
    MHD_stop_daemon(http);
}
