/* The scripted QMP server. */
#include "tests/component/controller/qmp-server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/number.h"
#include "common/base/util.h"
#include "tests/component/controller/qmp-answers.h"

struct server_write {
    uv_write_t request;
    char *text;
};

static void on_written(uv_write_t *request, int status)
{
    struct server_write *write = container_of(request, struct server_write, request);

    free(write->text);
    free(write);
}

/* Takes `text` over. */
static void send_text(struct qmp_server *server, char *text)
{
    struct server_write *write = calloc(1, sizeof(*write));
    uv_buf_t buffer = uv_buf_init(text, (unsigned)strlen(text));

    if (write == NULL || !server->has_client) {
        free(text);
        free(write);
        return;
    }
    write->text = text;
    if (uv_write(&write->request, (uv_stream_t *)&server->client, &buffer, 1, on_written) < 0) {
        free(text);
        free(write);
    }
}

/* Takes `message` over. */
static void send_message(struct qmp_server *server, json_t *message)
{
    char *text = json_dumps(message, JSON_COMPACT);
    char *line = NULL;

    if (text != NULL && asprintf(&line, "%s\r\n", text) >= 0)
        send_text(server, line);
    free(text);
    json_decref(message);
}

static void follow_target(struct qmp_server *server)
{
    if (server->balloon_is_stuck || server->balloon_target == 0 ||
        server->balloon_actual == server->balloon_target)
        return;
    server->balloon_actual = server->balloon_target;
    qmp_server_event(server, "BALLOON_CHANGE",
                     json_pack("{s:I}", "actual", (json_int_t)server->balloon_actual));
}

/* Like QEMU, statistics that the guest does not tell are 2^64 - 1, which jansson cannot hold. */
static void send_untold_statistics(struct qmp_server *server, const json_t *id)
{
    char *text = json_dumps(id, JSON_ENCODE_ANY);
    char *line = NULL;

    if (text != NULL &&
        asprintf(&line,
                 "{\"return\": {\"stats\": {\"stat-total-memory\": %s, "
                 "\"stat-free-memory\": 18446744073709551615, \"stat-oom-kills\": 3}, "
                 "\"last-update\": %llu}, \"id\": %s}\r\n",
                 server->statistics.has_no_figure ? "18446744073709551615" : "1000000000",
                 (unsigned long long)server->statistics.updated, text) >= 0)
        send_text(server, line);
    free(text);
}

/* True: the command is not answered as usual. */
static bool play_fault(struct qmp_server *server, const char *command)
{
    if (server->fault == QMP_SERVER_HANGS)
        return true;
    if (strcmp(command, "qmp_capabilities") == 0) /* who comes again may negotiate */
        return false;
    switch (server->fault) {
    case QMP_SERVER_DEAF:
        return true;
    case QMP_SERVER_CLOSES:
        qmp_server_drop_client(server);
        return true;
    case QMP_SERVER_GARBLES:
        send_text(server, strdup("{\"return\": {\r\n"));
        return true;
    default:
        return false;
    }
}

static void send_reply(struct qmp_server *server, json_t *reply)
{
    if (server->fault == QMP_SERVER_LATE && server->held == NULL)
        server->held = json_array();
    if (server->fault == QMP_SERVER_LATE)
        (void)json_array_append_new(server->held, reply);
    else
        send_message(server, reply);
}

void qmp_server_release(struct qmp_server *server)
{
    size_t count = json_array_size(server->held);

    server->fault = QMP_SERVER_WORKS;
    for (size_t i = 0; i < count; i++)
        send_message(server, json_incref(json_array_get(server->held, i)));
    json_decref(server->held);
    server->held = NULL;
}

static void handle_line(struct qmp_server *server, const char *line, size_t length)
{
    json_t *message = json_loadb(line, length, 0, NULL);
    const char *command = json_string_value(json_object_get(message, "execute"));
    json_t *id = json_object_get(message, "id");
    json_t *reply;

    if (command == NULL) {
        json_decref(message);
        return;
    }
    server->commands++;
    if (play_fault(server, command)) {
        server->unanswered++;
        json_decref(message);
        return;
    }
    reply = qmp_server_answer(server, command, json_object_get(message, "arguments"));
    if (reply != NULL) {
        (void)json_object_set(reply, "id", id);
        send_reply(server, reply);
    } else
        send_untold_statistics(server, id);
    if (strcmp(command, "balloon") == 0)
        follow_target(server);
    if (server->on_command != NULL)
        server->on_command(server, command, server->userdata);
    json_decref(message);
}

static void accept_client(struct qmp_server *server);

static void on_client_closed(uv_handle_t *handle)
{
    struct qmp_server *server = handle->data;

    server->client_closing = false;
    if (server->client_waits && server->is_listening)
        accept_client(server);
}

void qmp_server_drop_client(struct qmp_server *server)
{
    json_decref(server->held);
    server->held = NULL;
    if (!server->has_client)
        return;
    server->has_client = false;
    server->client_closing = true;
    server->line_length = 0;
    uv_close((uv_handle_t *)&server->client, on_client_closed);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    struct qmp_server *server = handle->data;

    *buffer = uv_buf_init(server->line + server->line_length,
                          (unsigned)(sizeof(server->line) - server->line_length));
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buffer)
{
    struct qmp_server *server = stream->data;
    char *end;

    if (n < 0) {
        qmp_server_drop_client(server);
        return;
    }
    server->line_length += (size_t)n;
    while ((end = memchr(server->line, '\n', server->line_length)) != NULL) {
        size_t length = (size_t)(end - server->line) + 1;

        handle_line(server, server->line, length);
        if (!server->has_client)
            return;
        server->line_length -= length;
        memmove(server->line, server->line + length, server->line_length);
    }
}

static char *endless_line(void)
{
    size_t size = MIB;
    char *text = malloc(size + 1);

    if (text == NULL)
        abort();
    memset(text, ' ', size);
    text[0] = '{';
    text[size] = '\0';
    return text;
}

static void greet(struct qmp_server *server)
{
    switch (server->fault) {
    case QMP_SERVER_SILENT:
        return;
    case QMP_SERVER_GARBAGE:
        send_text(server, strdup("SSH-2.0-OpenSSH_9.2p1\r\n"));
        return;
    case QMP_SERVER_OVERSIZED:
        send_text(server, endless_line());
        return;
    default:
        break;
    }
    server->clients++;
    send_message(server, json_pack("{s:{s:{s:{s:i, s:i, s:i}}, s:[]}}", "QMP", "version", "qemu",
                                   "micro", 22, "minor", 2, "major", 7, "capabilities"));
    if (server->fault == QMP_SERVER_HANGS_UP)
        qmp_server_drop_client(server);
}

static void accept_client(struct qmp_server *server)
{
    server->client_waits = false;
    if (uv_pipe_init(server->loop, &server->client, 0) < 0)
        abort();
    server->client.data = server;
    server->has_client = true;
    server->line_length = 0;
    if (uv_accept((uv_stream_t *)&server->listening, (uv_stream_t *)&server->client) < 0)
        abort();
    (void)uv_read_start((uv_stream_t *)&server->client, on_alloc, on_read);
    greet(server);
}

/* One client at a time: others wait. */
static void on_connection(uv_stream_t *listening, int status)
{
    struct qmp_server *server = listening->data;

    if (status < 0 || !server->is_listening)
        return;
    if (server->has_client || server->client_closing)
        server->client_waits = true;
    else
        accept_client(server);
}

void qmp_server_init(struct qmp_server *server, uv_loop_t *loop)
{
    *server = (struct qmp_server){
        .loop = loop,
        .name = "web-1",
        .uuid = "11111111-2222-3333-4444-555555555555",
        .status = "running",
        .ram = GIB,
        .balloon_actual = GIB,
        .balloon_target = GIB,
        .free_page_reporting = true,
        .deflate_on_oom = true,
        .guest_cid = 5,
        .job.status = "concluded",
        .statistics.updated = 1700000000,
    };
}

int qmp_server_listen(struct qmp_server *server, const char *path)
{
    int r = uv_pipe_init(server->loop, &server->listening, 0);

    if (r < 0)
        return r;
    server->listening.data = server;
    server->is_listening = true;
    r = uv_pipe_bind(&server->listening, path);
    if (r == 0)
        r = uv_listen((uv_stream_t *)&server->listening, 4, on_connection);
    return r;
}

void qmp_server_close(struct qmp_server *server)
{
    qmp_server_drop_client(server);
    if (server->is_listening)
        uv_close((uv_handle_t *)&server->listening, NULL);
    server->is_listening = false;
}

void qmp_server_event(struct qmp_server *server, const char *name, json_t *data)
{
    json_t *event = json_pack("{s:s, s:{s:i, s:i}}", "event", name, "timestamp", "seconds", 1,
                              "microseconds", 2);

    if (data != NULL)
        (void)json_object_set_new(event, "data", data);
    send_message(server, event);
}

void qmp_server_restore(struct qmp_server *server, uint64_t actual)
{
    qmp_server_event(server, "STOP", NULL);
    server->balloon_target = actual;
    server->balloon_actual = actual;
    qmp_server_event(server, "RESUME", NULL);
}

void qmp_server_plug_dimm(struct qmp_server *server, uint64_t bytes)
{
    server->plugged.dimm += bytes;
    server->balloon_target += bytes;
    server->balloon_actual += bytes;
}

void qmp_server_move_balloon(struct qmp_server *server, uint64_t actual)
{
    server->balloon_target = actual;
    server->balloon_actual = actual;
    qmp_server_event(server, "BALLOON_CHANGE", json_pack("{s:I}", "actual", (json_int_t)actual));
}
