/* connect -> INFO -> (TLS) -> CONNECT with the signed nonce -> PONG -> messages */
#include "tests/bench/light-connection.h"

#include <errno.h>
#include <nats/nats.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/util.h"

#define READ_BYTES 4096
#define LINE_MAX_  4096
#define WORDS_MAX  6

static void lose(struct light_connection *connection, const char *why)
{
    light_connection_close(connection);
    connection->options->on_lost(connection, why);
}

/* ---- bytes ---- */

static char *make_room(struct light_buffer *buffer, size_t length)
{
    size_t room = buffer->room == 0 ? 1024 : buffer->room;

    while (room < buffer->length + length)
        room *= 2;
    if (room != buffer->room)
        buffer->bytes = realloc(buffer->bytes, room);
    if (buffer->bytes == NULL)
        abort();
    buffer->room = room;
    return buffer->bytes + buffer->length;
}

static void append(struct light_buffer *buffer, const void *bytes, size_t length)
{
    if (length == 0)
        return;
    memcpy(make_room(buffer, length), bytes, length);
    buffer->length += length;
}

static void drop(struct light_buffer *buffer, size_t length)
{
    memmove(buffer->bytes, buffer->bytes + length, buffer->length - length);
    buffer->length -= length;
}

static void wait_to_write(struct light_connection *connection, bool waits)
{
    struct epoll_event event = {.events = EPOLLIN | (waits ? EPOLLOUT : 0), .data.ptr = connection};

    if (connection->waits_to_write != waits)
        (void)epoll_ctl(connection->options->epoll, EPOLL_CTL_MOD, connection->descriptor, &event);
    connection->waits_to_write = waits;
}

/* As recv and send: -1 with EAGAIN, 0 at the end. */
static ssize_t receive(struct light_connection *connection, void *bytes, size_t length)
{
    ssize_t r;

    if (connection->session == NULL)
        return recv(connection->descriptor, bytes, length, 0);
    r = gnutls_record_recv(connection->session, bytes, length);
    errno = r == GNUTLS_E_AGAIN || r == GNUTLS_E_INTERRUPTED ? EAGAIN : EIO;
    return r < 0 ? -1 : r;
}

static ssize_t transmit(struct light_connection *connection, const void *bytes, size_t length)
{
    ssize_t r;

    if (connection->session == NULL)
        return send(connection->descriptor, bytes, length, MSG_NOSIGNAL);
    r = gnutls_record_send(connection->session, bytes, length);
    errno = r == GNUTLS_E_AGAIN || r == GNUTLS_E_INTERRUPTED ? EAGAIN : EIO;
    return r < 0 ? -1 : r;
}

/* What cannot be written now is written when epoll says so. */
static void flush(struct light_connection *connection)
{
    while (connection->out.length > 0) {
        ssize_t n = transmit(connection, connection->out.bytes, connection->out.length);

        if (n < 0 && errno != EAGAIN) {
            lose(connection, "it cannot be written to");
            return;
        }
        if (n < 0)
            break;
        connection->options->bytes_sent += (size_t)n;
        drop(&connection->out, (size_t)n);
    }
    wait_to_write(connection, connection->out.length > 0);
}

/* ---- signing on ---- */

/* Of `"nonce":"…"`; "": there is none. */
static void find_nonce(const char *info, char *ret_nonce, size_t size)
{
    const char *begin = strstr(info, "\"nonce\":\"");

    ret_nonce[0] = '\0';
    if (begin == NULL)
        return;
    begin += strlen("\"nonce\":\"");
    snprintf(ret_nonce, size, "%.*s", (int)strcspn(begin, "\""), begin);
}

static void sign_on(struct light_connection *connection, const char *nonce)
{
    char text[128] = "", line[1024];
    unsigned char *signature = NULL;
    int length = 0;

    if (nats_Sign(connection->seed, nonce, &signature, &length) != NATS_OK) {
        lose(connection, "its nonce cannot be signed");
        return;
    }
    (void)sodium_bin2base64(text, sizeof(text), signature, (size_t)length,
                            sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    free(signature);
    snprintf(line, sizeof(line),
             "CONNECT {\"verbose\":false,\"pedantic\":false,\"tls_required\":%s,\"nkey\":\"%s\","
             "\"sig\":\"%s\",\"name\":\"%s\",\"lang\":\"c\",\"version\":\"0\",\"protocol\":1,"
             "\"headers\":true,\"no_responders\":true}\r\nPING\r\n",
             connection->session != NULL ? "true" : "false", connection->public_key, text,
             connection->name);
    connection->state = LIGHT_SIGNING_ON;
    append(&connection->out, line, strlen(line));
    flush(connection);
}

/* The nonce lies in the input until the handshake is done. */
static void sign_on_with_input(struct light_connection *connection)
{
    char nonce[128];

    append(&connection->in, "", 1);
    find_nonce(connection->in.bytes, nonce, sizeof(nonce));
    connection->in.length = 0;
    sign_on(connection, nonce);
}

static void shake_hands(struct light_connection *connection)
{
    int r = gnutls_handshake(connection->session);

    if (r == GNUTLS_E_AGAIN || r == GNUTLS_E_INTERRUPTED)
        wait_to_write(connection, gnutls_record_get_direction(connection->session) == 1);
    else if (r < 0)
        lose(connection, gnutls_strerror(r));
    else {
        wait_to_write(connection, false);
        sign_on_with_input(connection);
    }
}

static void begin_tls(struct light_connection *connection)
{
    if (gnutls_init(&connection->session, GNUTLS_CLIENT | GNUTLS_NONBLOCK) < 0 ||
        gnutls_set_default_priority(connection->session) < 0 ||
        gnutls_credentials_set(connection->session, GNUTLS_CRD_CERTIFICATE,
                               connection->options->credentials) < 0)
        abort();
    gnutls_session_set_verify_cert(connection->session, NULL, 0);
    gnutls_transport_set_int(connection->session, connection->descriptor);
    connection->state = LIGHT_HANDSHAKE;
    shake_hands(connection);
}

/* ---- what comes ---- */

struct line {
    char text[LINE_MAX_];
    char *words[WORDS_MAX];
    size_t count;
};

static void split(struct line *line, const char *bytes, size_t length)
{
    char *rest = NULL;

    snprintf(line->text, sizeof(line->text), "%.*s", (int)length, bytes);
    line->count = 0;
    for (char *word = strtok_r(line->text, " ", &rest); word != NULL && line->count < WORDS_MAX;
         word = strtok_r(NULL, " ", &rest))
        line->words[line->count++] = word;
}

static size_t number_of(const struct line *line, size_t from_end)
{
    return line->count < from_end ? 0
                                  : (size_t)strtoul(line->words[line->count - from_end], NULL, 10);
}

/* [H]MSG subject sid [reply] [headers] all. Bytes that it takes behind its line; SIZE_MAX: they
 * have not all come. */
static size_t take_message(struct light_connection *connection, const struct line *line,
                           const char *body, size_t there, bool has_headers)
{
    size_t all = number_of(line, 1);
    size_t headers = has_headers ? number_of(line, 2) : 0;
    const struct light_message message = {
        .subject = line->words[1],
        .subject_length = strlen(line->words[1]),
        .headers = has_headers ? (const uint8_t *)body : NULL,
        .header_length = headers,
        .data = (const uint8_t *)body + headers,
        .length = all - headers,
    };

    if (there < all + 2 || headers > all)
        return SIZE_MAX;
    connection->options->on_message(connection, &message);
    return all + 2;
}

/* Bytes behind its line that it takes; SIZE_MAX: they have not all come. */
static size_t take_line(struct light_connection *connection, const struct line *line,
                        const char *body, size_t there)
{
    const char *verb = line->count == 0 ? "" : line->words[0];

    if (strcmp(verb, "MSG") == 0 || strcmp(verb, "HMSG") == 0)
        return take_message(connection, line, body, there, verb[0] == 'H');
    if (strcmp(verb, "PING") == 0)
        append(&connection->out, "PONG\r\n", 6);
    else if (strcmp(verb, "PONG") == 0 && connection->state == LIGHT_SIGNING_ON) {
        connection->state = LIGHT_READY;
        connection->options->on_ready(connection);
    } else if (strcmp(verb, "-ERR") == 0)
        lose(connection, line->count > 1 ? line->words[1] : verb);
    return 0;
}

static void take_lines(struct light_connection *connection)
{
    struct light_buffer *in = &connection->in;
    size_t begin = 0;
    struct line line;

    while (connection->state > LIGHT_HANDSHAKE && begin < in->length) {
        char *text = in->bytes + begin;
        char *end = memmem(text, in->length - begin, "\r\n", 2);
        size_t length, taken;

        if (end == NULL)
            break;
        length = (size_t)(end - text) + 2;
        split(&line, text, length - 2);
        taken = take_line(connection, &line, text + length, in->length - begin - length);
        if (taken == SIZE_MAX)
            break;
        begin += length + taken;
    }
    if (connection->state == LIGHT_CLOSED)
        return;
    drop(in, begin);
    flush(connection);
}

static void take_greeting(struct light_connection *connection)
{
    if (connection->in.length < 2 ||
        memcmp(connection->in.bytes + connection->in.length - 2, "\r\n", 2) != 0)
        return;
    if (connection->options->credentials != NULL)
        begin_tls(connection);
    else
        sign_on_with_input(connection);
}

static void read_all(struct light_connection *connection)
{
    ssize_t n;

    do {
        n = receive(connection, make_room(&connection->in, READ_BYTES), READ_BYTES);
        if (n == 0 || (n < 0 && errno != EAGAIN)) {
            lose(connection, "it was closed");
            return;
        }
        if (n < 0)
            return;
        connection->in.length += (size_t)n;
        connection->options->bytes_received += (size_t)n;
        if (connection->state == LIGHT_GREETING)
            take_greeting(connection);
        else if (connection->state > LIGHT_HANDSHAKE)
            take_lines(connection);
    } while (
        connection->state > LIGHT_HANDSHAKE &&
        (n == READ_BYTES || connection->session != NULL)); /* TLS has bytes that epoll has not */
}

/* ---- the whole ---- */

void light_connection_open(struct light_connection *connection, const struct sockaddr_in *server)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT, .data.ptr = connection};

    connection->descriptor = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (connection->descriptor < 0 ||
        epoll_ctl(connection->options->epoll, EPOLL_CTL_ADD, connection->descriptor, &event) < 0) {
        perror("fleet-load: a socket");
        abort();
    }
    connection->state = LIGHT_CONNECTING;
    connection->waits_to_write = true;
    if (connect(connection->descriptor, (const struct sockaddr *)server, sizeof(*server)) < 0 &&
        errno != EINPROGRESS)
        lose(connection, strerror(errno));
}

void light_connection_go_on(struct light_connection *connection, uint32_t events)
{
    if (connection->state == LIGHT_CONNECTING && (events & EPOLLOUT) != 0) {
        connection->state = LIGHT_GREETING;
        wait_to_write(connection, false);
    }
    if (connection->state == LIGHT_HANDSHAKE)
        shake_hands(connection);
    else if (connection->state >= LIGHT_SIGNING_ON && (events & EPOLLOUT) != 0)
        flush(connection);
    if (connection->state >= LIGHT_GREETING && connection->state != LIGHT_HANDSHAKE &&
        (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0)
        read_all(connection);
}

void light_connection_close(struct light_connection *connection)
{
    if (connection->state == LIGHT_CLOSED)
        return;
    if (connection->session != NULL)
        gnutls_deinit(connection->session);
    connection->session = NULL;
    (void)close(connection->descriptor);
    connection->state = LIGHT_CLOSED;
    connection->in.length = connection->out.length = 0;
}

void light_connection_subscribe(struct light_connection *connection, const char *subject,
                                unsigned id)
{
    char line[256];

    append(&connection->out, line,
           (size_t)snprintf(line, sizeof(line), "SUB %s %u\r\n", subject, id));
}

void light_connection_publish(struct light_connection *connection, const char *subject,
                              const char *reply, const void *data, size_t length)
{
    char line[256];
    int n = snprintf(line, sizeof(line), "PUB %s %s%s%zu\r\n", subject, reply == NULL ? "" : reply,
                     reply == NULL ? "" : " ", length);

    append(&connection->out, line, (size_t)n);
    append(&connection->out, data, length);
    append(&connection->out, "\r\n", 2);
    flush(connection);
}
