/* QMP connections. */
#include "controller/hypervisors/qemu/qmp.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "common/base/list.h"
#include "common/base/process-path.h"
#include "common/base/util.h"

#define READ_CHUNK 4096

enum qmp_state {
    QMP_CONNECTING,
    QMP_GREETING,    /* connected, QEMU has not said anything yet */
    QMP_NEGOTIATING, /* qmp_capabilities is sent */
    QMP_READY,
    QMP_FAILED, /* on_closed ran; waits for qmp_close */
    QMP_CLOSING,
};

struct qmp_request {
    struct list link;
    uint64_t id;
    nsec_t deadline; /* CLOCK_MONOTONIC */
    qmp_reply on_reply;
    void *userdata;
    char command[48];
};

struct qmp {
    uv_pipe_t pipe;
    uv_connect_t connect;
    enum qmp_state state;
    const struct qmp_callbacks *callbacks;
    void *userdata;
    char *path;
    nsec_t ready_deadline;
    struct list requests; /* struct qmp_request, oldest first */
    unsigned request_count;
    uint64_t next_id;
    pid_t peer;
    nsec_t heard; /* CLOCK_MONOTONIC of the last bytes */
    char *line;   /* received, not yet a whole line */
    size_t line_length;
    size_t line_capacity;
};

struct qmp_write {
    uv_write_t request;
    char *text;
};

static void end_request(struct qmp *qmp, struct qmp_request *request, int status,
                        const json_t *value, const struct error *error)
{
    list_remove(&request->link);
    qmp->request_count--;
    request->on_reply(status, value, error, request->userdata);
    free(request);
}

static void end_all_requests(struct qmp *qmp, int status, const struct error *error)
{
    while (!list_is_empty(&qmp->requests))
        end_request(qmp, list_entry(qmp->requests.next, struct qmp_request, link), status, NULL,
                    error);
}

static void on_pipe_closed(uv_handle_t *handle)
{
    struct qmp *qmp = container_of(handle, struct qmp, pipe);

    free(qmp->line);
    free(qmp->path);
    free(qmp);
}

/* Ends the connection from our side of the wire; the owner learns it last. */
static void fail(struct qmp *qmp, int status, const struct error *error)
{
    if (qmp->state >= QMP_FAILED)
        return;
    qmp->state = QMP_FAILED;
    (void)uv_read_stop((uv_stream_t *)&qmp->pipe);
    end_all_requests(qmp, status, error);
    if (qmp->state == QMP_FAILED)
        qmp->callbacks->on_closed(status, error, qmp->userdata);
}

void qmp_close(struct qmp *qmp)
{
    struct error error;

    if (qmp == NULL || qmp->state == QMP_CLOSING)
        return;
    qmp->state = QMP_CLOSING;
    error_set(&error, -ECANCELED, "QMP socket %s: closed", qmp->path);
    end_all_requests(qmp, -ECANCELED, &error);
    uv_close((uv_handle_t *)&qmp->pipe, on_pipe_closed);
}

nsec_t qmp_heard(const struct qmp *qmp)
{
    return qmp->heard;
}

pid_t qmp_peer(const struct qmp *qmp)
{
    return qmp->peer;
}

static void on_written(uv_write_t *request, int status)
{
    struct qmp_write *write = container_of(request, struct qmp_write, request);

    /* A broken connection is noticed by the reader. */
    free(write->text);
    free(write);
}

/* Takes over `text`. */
static int send_text(struct qmp *qmp, char *text)
{
    struct qmp_write *write = calloc(1, sizeof(*write));
    uv_buf_t buffer = uv_buf_init(text, (unsigned)strlen(text));
    int r;

    if (write == NULL) {
        free(text);
        return -ENOMEM;
    }
    write->text = text;
    r = uv_write(&write->request, (uv_stream_t *)&qmp->pipe, &buffer, 1, on_written);
    if (r < 0) {
        free(text);
        free(write);
    }
    return r;
}

/* Takes over `arguments`. */
static int send_command(struct qmp *qmp, const char *command, json_t *arguments, uint64_t id)
{
    json_t *message = arguments != NULL
                          ? json_pack("{s:s, s:o, s:I}", "execute", command, "arguments", arguments,
                                      "id", (json_int_t)id)
                          : json_pack("{s:s, s:I}", "execute", command, "id", (json_int_t)id);
    char *text = message == NULL ? NULL : json_dumps(message, JSON_COMPACT);
    char *line = NULL;

    json_decref(message);
    if (text == NULL || asprintf(&line, "%s\n", text) < 0)
        line = NULL;
    free(text);
    return line == NULL ? -ENOMEM : send_text(qmp, line);
}

/* As qmp_execute, in any state that has a connection; `arguments` may be NULL. */
static int execute(struct qmp *qmp, const char *command, json_t *arguments, nsec_t deadline,
                   qmp_reply on_reply, void *userdata)
{
    struct qmp_request *request = calloc(1, sizeof(*request));
    int r;

    if (request == NULL) {
        json_decref(arguments);
        return -ENOMEM;
    }
    request->id = ++qmp->next_id;
    request->deadline = deadline;
    request->on_reply = on_reply;
    request->userdata = userdata;
    strncpy(request->command, command, sizeof(request->command) - 1);
    r = send_command(qmp, command, arguments, request->id);
    if (r < 0) {
        free(request);
        return r;
    }
    list_append(&qmp->requests, &request->link);
    qmp->request_count++;
    return 0;
}

static int check_ready(const struct qmp *qmp)
{
    if (qmp->state != QMP_READY)
        return -ENOTCONN;
    return qmp->request_count >= QMP_REQUESTS_MAX ? -EBUSY : 0;
}

int qmp_query(struct qmp *qmp, const char *command, nsec_t timeout, qmp_reply on_reply,
              void *userdata)
{
    int r = check_ready(qmp);

    return r < 0 ? r : execute(qmp, command, NULL, time_monotonic() + timeout, on_reply, userdata);
}

int qmp_execute(struct qmp *qmp, const char *command, json_t *arguments, nsec_t timeout,
                qmp_reply on_reply, void *userdata)
{
    int r = arguments == NULL ? -ENOMEM : check_ready(qmp);

    if (r < 0) {
        json_decref(arguments);
        return r;
    }
    return execute(qmp, command, arguments, time_monotonic() + timeout, on_reply, userdata);
}

/* ---- what QEMU says ---- */

static void on_negotiated(int status, const json_t *value, const struct error *error,
                          void *userdata)
{
    struct qmp *qmp = userdata;

    if (status < 0) {
        fail(qmp, status, error);
        return;
    }
    qmp->state = QMP_READY;
    qmp->callbacks->on_ready(qmp->userdata);
}

static void negotiate(struct qmp *qmp)
{
    struct error error;
    int r;

    qmp->state = QMP_NEGOTIATING;
    r = execute(qmp, "qmp_capabilities", NULL, qmp->ready_deadline, on_negotiated, qmp);
    if (r < 0) {
        error_set(&error, r, "QMP socket %s: cannot send: %s", qmp->path, strerror(-r));
        fail(qmp, r, &error);
    }
}

static struct qmp_request *find_request(const struct qmp *qmp, uint64_t id)
{
    list_for_each (link, &qmp->requests) {
        struct qmp_request *request = list_entry(link, struct qmp_request, link);

        if (request->id == id)
            return request;
    }
    return NULL;
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text == NULL ? "" : text;
}

/* An answer nobody waits for any more is dropped: its deadline has passed. */
static void handle_answer(struct qmp *qmp, const json_t *message)
{
    double id = json_number_value(json_object_get(message, "id"));
    struct qmp_request *request = id >= 1 && id < 0x1p53 ? find_request(qmp, (uint64_t)id) : NULL;
    const json_t *failure = json_object_get(message, "error");
    struct error error;

    if (request == NULL)
        return;
    if (failure == NULL) {
        end_request(qmp, request, 0, json_object_get(message, "return"), NULL);
        return;
    }
    error_set(&error, -EREMOTEIO, "%s: %s: %s", text_of(failure, "class"), request->command,
              text_of(failure, "desc"));
    end_request(qmp, request, -EREMOTEIO, NULL, &error);
}

static void handle_message(struct qmp *qmp, const json_t *message)
{
    if (json_object_get(message, "QMP") != NULL && qmp->state == QMP_GREETING)
        negotiate(qmp);
    else if (json_object_get(message, "event") != NULL) {
        if (qmp->state == QMP_READY)
            qmp->callbacks->on_event(text_of(message, "event"), json_object_get(message, "data"),
                                     qmp->userdata);
    } else
        handle_answer(qmp, message);
}

/* One line without its end. Balloon statistics hold 2^64 - 1, which no JSON integer of jansson
 * takes: all numbers are read as reals, exact up to 2^53. */
static void handle_line(struct qmp *qmp, const char *line, size_t length)
{
    json_error_t problem;
    json_t *message = json_loadb(line, length, JSON_DECODE_INT_AS_REAL, &problem);
    struct error error;

    if (!json_is_object(message)) {
        error_set(&error, -EPROTO,
                  "QMP socket %s: a line of %zu bytes is not a JSON object%s%s; is this a QMP "
                  "socket?",
                  qmp->path, length, message == NULL ? ": " : "",
                  message == NULL ? problem.text : "");
        json_decref(message);
        fail(qmp, -EPROTO, &error);
        return;
    }
    handle_message(qmp, message);
    json_decref(message);
}

/* Hands over every whole line; keeps the rest. */
static void handle_lines(struct qmp *qmp)
{
    size_t begin = 0;

    while (qmp->state < QMP_FAILED) {
        char *end = memchr(qmp->line + begin, '\n', qmp->line_length - begin);
        size_t length;

        if (end == NULL)
            break;
        length = (size_t)(end - (qmp->line + begin));
        if (length > 0 && qmp->line[begin + length - 1] == '\r')
            length--;
        if (length > 0)
            handle_line(qmp, qmp->line + begin, length);
        begin = (size_t)(end - qmp->line) + 1;
    }
    qmp->line_length -= begin;
    memmove(qmp->line, qmp->line + begin, qmp->line_length);
}

/* An idle connection keeps no buffer: there may be ten thousand of them. */
static void release_buffer(struct qmp *qmp)
{
    if (qmp->line_length > 0)
        return;
    free(qmp->line);
    qmp->line = NULL;
    qmp->line_capacity = 0;
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    struct qmp *qmp = container_of(handle, struct qmp, pipe);
    size_t needed = qmp->line_length + READ_CHUNK;

    if (qmp->line_capacity < needed) {
        size_t capacity = max_of(needed, qmp->line_capacity * 2);
        char *larger = realloc(qmp->line, capacity);

        if (larger == NULL) {
            *buffer = uv_buf_init(NULL, 0); /* on_read gets UV_ENOBUFS */
            return;
        }
        qmp->line = larger;
        qmp->line_capacity = capacity;
    }
    *buffer = uv_buf_init(qmp->line + qmp->line_length, READ_CHUNK);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buffer)
{
    struct qmp *qmp = container_of(stream, struct qmp, pipe);
    struct error error;

    if (n < 0) {
        error_set(&error, (int)n, "QMP socket %s: %s", qmp->path,
                  n == UV_EOF ? "closed by the hypervisor" : uv_strerror((int)n));
        fail(qmp, n == UV_EOF ? -ECONNRESET : (int)n, &error);
        return;
    }
    qmp->heard = time_monotonic();
    qmp->line_length += (size_t)n;
    handle_lines(qmp);
    if (qmp->line_length > QMP_LINE_BYTES_MAX) {
        error_set(&error, -EMSGSIZE, "QMP socket %s: a line is longer than %u bytes", qmp->path,
                  QMP_LINE_BYTES_MAX);
        fail(qmp, -EMSGSIZE, &error);
    }
    release_buffer(qmp);
}

static pid_t peer_of(const uv_pipe_t *pipe)
{
    struct ucred credentials;
    socklen_t length = sizeof(credentials);
    uv_os_fd_t descriptor;

    if (uv_fileno((const uv_handle_t *)pipe, &descriptor) < 0 ||
        getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &credentials, &length) < 0)
        return 0;
    return credentials.pid;
}

static const char *connect_advice(int status)
{
    switch (status) {
    case UV_ENOENT:
        return "; start the hypervisor with -qmp unix:PATH,server=on,wait=off, or correct "
               "'hypervisor' in the VM's file";
    case UV_ECONNREFUSED:
        return "; no hypervisor listens there";
    case UV_EAGAIN:
        return "; a QMP socket serves one client at a time and others wait already";
    case UV_EACCES:
        return "; run as root or change the socket's permissions";
    default:
        return "";
    }
}

static void on_connected(uv_connect_t *connect, int status)
{
    struct qmp *qmp = container_of(connect, struct qmp, connect);
    struct error error;

    if (qmp->state != QMP_CONNECTING)
        return;
    if (status == 0)
        status = uv_read_start((uv_stream_t *)&qmp->pipe, on_alloc, on_read);
    if (status < 0) {
        error_set(&error, status, "QMP socket %s: %s%s", qmp->path, uv_strerror(status),
                  connect_advice(status));
        fail(qmp, status, &error);
        return;
    }
    qmp->state = QMP_GREETING;
    qmp->peer = peer_of(&qmp->pipe);
}

int qmp_open(uv_loop_t *loop, const char *path, nsec_t timeout,
             const struct qmp_callbacks *callbacks, void *userdata, struct qmp **ret_qmp)
{
    struct process_socket held;
    struct qmp *qmp;
    int r = process_socket_hold(&held, path);

    if (r < 0)
        return r;
    qmp = calloc(1, sizeof(*qmp));
    if (qmp != NULL)
        qmp->path = strdup(path);
    r = qmp == NULL || qmp->path == NULL ? -ENOMEM : uv_pipe_init(loop, &qmp->pipe, 0);
    if (r < 0) {
        process_socket_release(&held);
        if (qmp != NULL)
            free(qmp->path);
        free(qmp);
        return r;
    }
    qmp->callbacks = callbacks;
    qmp->userdata = userdata;
    qmp->ready_deadline = time_monotonic() + timeout;
    list_init(&qmp->requests);
    uv_pipe_connect(&qmp->connect, &qmp->pipe, held.text, on_connected);
    process_socket_release(&held); /* for a UNIX socket, that connects at once or never */
    *ret_qmp = qmp;
    return 0;
}

static void fail_silent(struct qmp *qmp)
{
    static const char *const reasons[] = {
        [QMP_CONNECTING] = "cannot connect in time",
        [QMP_GREETING] = ("no greeting; it serves one client at a time and another holds it, or "
                          "the hypervisor hangs: give vmreclaim a second one (-qmp)"),
        [QMP_NEGOTIATING] = "it greets and then does not answer: QEMU hangs, is stopped or busy",
    };
    int status = qmp->state == QMP_NEGOTIATING ? -EBUSY : -ETIMEDOUT;
    struct error error;

    error_set(&error, status, "QMP socket %s: %s", qmp->path, reasons[qmp->state]);
    fail(qmp, status, &error);
}

void qmp_tick(struct qmp *qmp, nsec_t now)
{
    if (qmp->state < QMP_READY) {
        if (now >= qmp->ready_deadline)
            fail_silent(qmp);
        return;
    }
    if (qmp->state != QMP_READY)
        return;
    list_for_each_safe (link, following, &qmp->requests) {
        struct qmp_request *request = list_entry(link, struct qmp_request, link);
        struct error error;

        if (now < request->deadline)
            continue;
        error_set(&error, -ETIMEDOUT, "QMP socket %s: no answer to %s in time", qmp->path,
                  request->command);
        end_request(qmp, request, -ETIMEDOUT, NULL, &error);
        /* The owner may have closed us, which ended the rest. */
        if (qmp->state != QMP_READY)
            return;
    }
}
