/* The HTTP server of microVMs' APIs. */
#include "tests/fakes/micro-http.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/base/util.h"

#define LINE_MAX_BYTES 1024
#define TEXT_MAX       (8 * 1024 * 1024)

enum parse_state {
    PARSE_REQUEST_LINE,
    PARSE_HEADERS,
    PARSE_BODY,
};

struct micro_http_connection {
    struct micro_http_connection *next;
    struct micro_http *server;
    uv_pipe_t pipe;
    bool is_closing;
    char *input;
    size_t input_length;
    enum parse_state state;
    size_t content_length;
    struct micro_http_request request;
    char *held; /* answers that a stall keeps; NULL: none */
    size_t held_length;
};

struct server_write {
    uv_write_t request;
    char *text;
};

static const char too_many[] = "HTTP/1.1 503\r\nServer: Firecracker API\r\nConnection: close\r\n"
                               "Content-Length: 40\r\n\r\n"
                               "{ \"error\": \"Too many open connections\" }";

/* ---- connections ---- */

static void on_connection_closed(uv_handle_t *handle)
{
    struct micro_http_connection *connection =
        container_of(handle, struct micro_http_connection, pipe);

    free(connection->input);
    free(connection->held);
    free(connection);
}

static void drop(struct micro_http_connection *connection)
{
    struct micro_http_connection **at = &connection->server->connections;

    if (connection->is_closing)
        return;
    connection->is_closing = true;
    while (*at != connection)
        at = &(*at)->next;
    *at = connection->next;
    connection->server->connection_count--;
    uv_close((uv_handle_t *)&connection->pipe, on_connection_closed);
}

static void on_written(uv_write_t *request, int status)
{
    struct server_write *write = container_of(request, struct server_write, request);

    free(write->text);
    free(write);
}

/* Takes `text` over. */
static void send_text(uv_pipe_t *pipe, char *text, size_t length)
{
    struct server_write *write = calloc(1, sizeof(*write));
    uv_buf_t buffer = uv_buf_init(text, (unsigned)length);

    if (write == NULL || text == NULL)
        abort();
    write->text = text;
    if (uv_write(&write->request, (uv_stream_t *)pipe, &buffer, 1, on_written) < 0) {
        free(text);
        free(write);
    }
}

/* During a stall the answer stays where it is. Takes `text` over. */
static void put_out(struct micro_http_connection *connection, char *text, size_t length)
{
    char *all;

    if (!connection->server->is_stalled) {
        send_text(&connection->pipe, text, length);
        return;
    }
    all = realloc(connection->held, connection->held_length + length);
    if (all == NULL)
        abort();
    memcpy(all + connection->held_length, text, length);
    connection->held = all;
    connection->held_length += length;
    free(text);
}

/* ---- answers ---- */

void micro_http_answer(struct micro_http_response *response, int status, json_t *json)
{
    response->status = status;
    response->body = json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY);
    json_decref(json);
}

static void send_response(struct micro_http_connection *connection,
                          const struct micro_http_response *response, const char *name)
{
    const char *body = response->body == NULL ? "" : response->body;
    bool has_length = response->status != 204 && response->status != 100;
    char length[96] = "";
    char *text = NULL;
    int n;

    if (has_length)
        snprintf(length, sizeof(length),
                 "Content-Type: application/json\r\nContent-Length: %zu\r\n", strlen(body));
    n = asprintf(&text, "HTTP/1.1 %d \r\nServer: %s\r\nConnection: keep-alive\r\n%s\r\n%s",
                 response->status, name, length, body);
    if (n < 0)
        abort();
    put_out(connection, text, (size_t)n);
}

/* True: the answer was a broken one. */
static bool misbehave(struct micro_http_connection *connection)
{
    static const char head[] = "HTTP/1.1 200 \r\n";
    static const char start[] = "HTTP/1.1 200 \r\nContent-Length: 4194304\r\n\r\n{\"a\":\"";
    enum micro_http_fault fault = connection->server->fault;
    size_t size = fault == MICRO_HTTP_BODY_SHORT ? sizeof(start) - 1 : 2 * 1024 * 1024;
    const char *begin = fault == MICRO_HTTP_HEADERS_ENDLESS ? head : start;
    char *text;

    if (fault == MICRO_HTTP_WORKS || fault == MICRO_HTTP_GREETS)
        return false;
    if (fault != MICRO_HTTP_HANGS_UP) {
        text = malloc(size);
        if (text == NULL)
            abort();
        memset(text, 'x', size);
        if (fault == MICRO_HTTP_HEADERS_ENDLESS)
            for (size_t i = strlen(begin); i + 10 < size; i += 10)
                memcpy(text + i, "xxxx: yy\r\n", 10);
        if (fault != MICRO_HTTP_GARBAGE)
            memcpy(text, begin, strlen(begin));
        send_text(&connection->pipe, text, size);
    }
    if (fault == MICRO_HTTP_HANGS_UP || fault == MICRO_HTTP_BODY_SHORT)
        drop(connection);
    return true;
}

static void answer_request(struct micro_http_connection *connection)
{
    struct micro_http *server = connection->server;
    struct micro_http_response response = {.status = 500};

    server->requests++;
    if (misbehave(connection))
        return;
    server->handler(&connection->request, &response, server->userdata);
    send_response(connection, &response, server->name);
    free(response.body);
}

static void answer_parse_error(struct micro_http_connection *connection, const char *reason)
{
    struct micro_http_response response = {.status = 400};

    connection->server->parse_errors++;
    if (asprintf(&response.body,
                 "{ \"error\": \"%s\nAll previous unanswered requests will be dropped.\" }",
                 reason) < 0)
        abort();
    /* The library answers this one, so it does not know the program's name. */
    send_response(connection, &response, "Firecracker API");
    free(response.body);
    connection->input_length = 0;
    connection->state = PARSE_REQUEST_LINE;
    connection->content_length = 0;
}

/* ---- requests ---- */

static bool is_known(const char *method)
{
    static const char *const methods[] = {"GET", "PUT", "PATCH", "DELETE"};

    for (size_t i = 0; i < ARRAY_SIZE(methods); i++)
        if (strcmp(methods[i], method) == 0)
            return true;
    return false;
}

/* NULL: it is one. */
static const char *parse_request_line(struct micro_http_connection *connection, char *line)
{
    struct micro_http_request *request = &connection->request;
    char *rest = line;
    char *method = strsep(&rest, " ");
    char *uri = rest == NULL ? NULL : strsep(&rest, " ");

    if (rest == NULL)
        return "Invalid request.";
    if (!is_known(method))
        return "Invalid HTTP Method: Unsupported HTTP method.";
    if (uri[0] == '\0')
        return "Invalid URI: Empty URI not allowed.";
    if (strcmp(rest, "HTTP/1.1") != 0 && strcmp(rest, "HTTP/1.0") != 0)
        return "Invalid HTTP Version: Unsupported HTTP version.";
    snprintf(request->method, sizeof(request->method), "%s", method);
    snprintf(request->path, sizeof(request->path), "%s", uri);
    return NULL;
}

static const char *parse_header(struct micro_http_connection *connection, char *line)
{
    char *colon = strchr(line, ':');
    char *end;
    unsigned long length;

    if (colon == NULL)
        return "Invalid header. Reason: Header is incorrectly formatted.";
    *colon = '\0';
    if (strcasecmp(line, "Content-Length") != 0)
        return NULL;
    length = strtoul(colon + 1, &end, 10);
    if (end == colon + 1 || *end != '\0' || length > UINT32_MAX)
        return "Invalid header. Reason: Invalid value. Key:Content-Length";
    connection->content_length = length;
    return NULL;
}

static void take_out(struct micro_http_connection *connection, size_t length)
{
    memmove(connection->input, connection->input + length, connection->input_length - length);
    connection->input_length -= length;
}

/* False: more must come first. */
static bool take_line(struct micro_http_connection *connection, char line[LINE_MAX_BYTES + 1],
                      const char **ret_problem)
{
    char *text = connection->input;
    char *end = memmem(text, connection->input_length, "\r\n", 2);
    size_t length = end == NULL ? connection->input_length : (size_t)(end - text);

    *ret_problem = NULL;
    if (length >= LINE_MAX_BYTES)
        *ret_problem = connection->state == PARSE_HEADERS
                           ? "Invalid header. Reason: size limit exceeded"
                           : "Invalid request.";
    if (end == NULL || *ret_problem != NULL)
        return false;
    memcpy(line, text, length);
    line[length] = '\0';
    take_out(connection, length + 2);
    return true;
}

/* The head is complete. False: its body is not. */
static bool take_body(struct micro_http_connection *connection)
{
    size_t length = connection->content_length;
    char *body;

    if (length > connection->server->payload_max) {
        answer_parse_error(connection, "Request payload is larger than the limit allowed.");
        return true;
    }
    if (connection->input_length < length)
        return false;
    body = length == 0 ? NULL : strndup(connection->input, length);
    take_out(connection, length);
    connection->request.body = body;
    connection->request.body_length = length;
    connection->state = PARSE_REQUEST_LINE;
    connection->content_length = 0;
    answer_request(connection);
    free(body);
    return true;
}

/* False: nothing whole is there, or what is there was dropped. */
static bool take_head_line(struct micro_http_connection *connection)
{
    char line[LINE_MAX_BYTES + 1];
    const char *problem;

    if (!take_line(connection, line, &problem)) {
        if (problem != NULL)
            answer_parse_error(connection, problem);
        return false;
    }
    if (connection->state == PARSE_HEADERS && line[0] == '\0') {
        connection->state = PARSE_BODY;
        return true;
    }
    problem = connection->state == PARSE_HEADERS ? parse_header(connection, line)
                                                 : parse_request_line(connection, line);
    connection->state = PARSE_HEADERS;
    if (problem != NULL)
        answer_parse_error(connection, problem);
    return problem == NULL;
}

static void take_input(struct micro_http_connection *connection)
{
    bool goes_on = true;

    while (goes_on && !connection->is_closing && !connection->server->is_stalled)
        goes_on =
            connection->state == PARSE_BODY ? take_body(connection) : take_head_line(connection);
}

/* ---- the loop ---- */

static void on_allocate(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    buffer->base = malloc(LINE_MAX_BYTES);
    buffer->len = buffer->base == NULL ? 0 : LINE_MAX_BYTES;
}

static void on_read(uv_stream_t *stream, ssize_t length, const uv_buf_t *buffer)
{
    struct micro_http_connection *connection =
        container_of(stream, struct micro_http_connection, pipe);
    char *all;

    if (length < 0 || connection->input_length > TEXT_MAX) {
        drop(connection);
    } else if (length > 0) {
        all = realloc(connection->input, connection->input_length + (size_t)length);
        if (all == NULL)
            abort();
        memcpy(all + connection->input_length, buffer->base, (size_t)length);
        connection->input = all;
        connection->input_length += (size_t)length;
        take_input(connection);
    }
    free(buffer->base);
}

/* The eleventh: told so, and closed. */
static void refuse(struct micro_http_connection *connection)
{
    connection->server->refused++;
    send_text(&connection->pipe, strdup(too_many), sizeof(too_many) - 1);
    drop(connection);
}

static void accept_one(struct micro_http *server)
{
    struct micro_http_connection *connection = calloc(1, sizeof(*connection));

    if (connection == NULL || uv_pipe_init(server->loop, &connection->pipe, 0) < 0 ||
        uv_accept((uv_stream_t *)&server->listening, (uv_stream_t *)&connection->pipe) < 0)
        abort();
    connection->server = server;
    connection->next = server->connections;
    server->connections = connection;
    server->connection_count++;
    server->accepted++;
    if (server->connection_count > MICRO_HTTP_CONNECTIONS_MAX) {
        refuse(connection);
        return;
    }
    if (server->fault == MICRO_HTTP_GREETS)
        send_text(&connection->pipe, strdup("{\"QMP\": {}}\r\n"), 13);
    uv_read_start((uv_stream_t *)&connection->pipe, on_allocate, on_read);
}

static void on_connection(uv_stream_t *listening, int status)
{
    struct micro_http *server = container_of(listening, struct micro_http, listening);

    if (status < 0)
        return;
    if (server->is_stalled)
        server->is_waiting = true; /* the loop asks again once this one is accepted */
    else
        accept_one(server);
}

void micro_http_stall(struct micro_http *server, bool is_stalled)
{
    server->is_stalled = is_stalled;
    for (struct micro_http_connection *c = server->connections; c != NULL; c = c->next) {
        if (is_stalled) {
            uv_read_stop((uv_stream_t *)&c->pipe);
            continue;
        }
        if (c->held != NULL)
            send_text(&c->pipe, c->held, c->held_length);
        c->held = NULL;
        c->held_length = 0;
        uv_read_start((uv_stream_t *)&c->pipe, on_allocate, on_read);
        take_input(c);
    }
    if (!is_stalled && server->is_waiting) {
        server->is_waiting = false;
        accept_one(server);
    }
}

void micro_http_init(struct micro_http *server, uv_loop_t *loop, micro_http_handler handler,
                     void *userdata)
{
    *server = (struct micro_http){.loop = loop,
                                  .name = "Firecracker API",
                                  .payload_max = 51200,
                                  .handler = handler,
                                  .userdata = userdata};
}

int micro_http_listen(struct micro_http *server, const char *path)
{
    int r = uv_pipe_init(server->loop, &server->listening, 0);

    if (r < 0)
        return r;
    server->is_listening = true;
    r = uv_pipe_bind(&server->listening, path);
    return r < 0 ? r : uv_listen((uv_stream_t *)&server->listening, 128, on_connection);
}

void micro_http_drop_clients(struct micro_http *server)
{
    while (server->connections != NULL)
        drop(server->connections);
}

void micro_http_close(struct micro_http *server)
{
    micro_http_drop_clients(server);
    if (server->is_listening)
        uv_close((uv_handle_t *)&server->listening, NULL);
    server->is_listening = false;
}
