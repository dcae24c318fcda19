/* Plays a transcript against our server or our client. See transcripts/README.md. */
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "tests/interop/side.h"
#include "tests/unit/ttrpc/fixture.h"

/* ---- the server's methods ---- */

static void ping(struct ttrpc_call *call, const ProtobufCMessage *message, void *userdata)
{
    Vmreclaim__Agent__V1__PingResponse response = VMRECLAIM__AGENT__V1__PING_RESPONSE__INIT;

    response.nonce = ((const Vmreclaim__Agent__V1__PingRequest *)message)->nonce;
    ttrpc_call_finish(call, &response.base);
}

static void watch(struct ttrpc_call *call, const ProtobufCMessage *message, void *userdata)
{
    Vmreclaim__Agent__V1__WatchResponse response = VMRECLAIM__AGENT__V1__WATCH_RESPONSE__INIT;

    if (((const Vmreclaim__Agent__V1__WatchRequest *)message)->interval_ns != 0) {
        ttrpc_call_fail(call, TTRPC_FAILED_PRECONDITION, "not now");
        return;
    }
    for (response.sequence = 1; response.sequence <= 2; response.sequence++)
        (void)ttrpc_call_send(call, &response.base);
    ttrpc_call_finish(call, NULL);
}

static uint64_t sum;

static void on_reclaim_message(struct ttrpc_call *call, const ProtobufCMessage *message,
                               void *userdata)
{
    Vmreclaim__Agent__V1__ReclaimCacheResponse response =
        VMRECLAIM__AGENT__V1__RECLAIM_CACHE_RESPONSE__INIT;
    Vmreclaim__Agent__V1__ActionResult result = VMRECLAIM__AGENT__V1__ACTION_RESULT__INIT;

    if (message != NULL) {
        sum += ((const Vmreclaim__Agent__V1__ReclaimCacheRequest *)message)->bytes;
        return;
    }
    result.free_after = sum;
    response.result = &result;
    ttrpc_call_finish(call, &response.base);
}

static void reclaim_cache(struct ttrpc_call *call, const ProtobufCMessage *message, void *userdata)
{
    sum = 0;
    ttrpc_call_on_message(call, on_reclaim_message, NULL);
}

static void on_cancel(struct ttrpc_call *call, void *userdata)
{
}

/* A stream of requests that is never answered. */
static void compact(struct ttrpc_call *call, const ProtobufCMessage *message, void *userdata)
{
    ttrpc_call_on_cancel(call, on_cancel, NULL);
}

static const ttrpc_handler handlers[METHOD_COUNT] = {
    [METHOD_PING] = ping,
    [METHOD_COMPACT] = compact,
    [METHOD_RECLAIM_CACHE] = reclaim_cache,
    [METHOD_LIST_FREE_RANGES] = side_list_free_ranges,
    [METHOD_WATCH] = watch,
};

static const struct ttrpc_service service = {
    .descriptor = &vmreclaim__agent__v1__agent__descriptor,
    .handlers = handlers,
    .streams = 1u << METHOD_WATCH | 1u << METHOD_LIST_FREE_RANGES,
    .client_streams =
        1u << METHOD_RECLAIM_CACHE | 1u << METHOD_LIST_FREE_RANGES | 1u << METHOD_COMPACT,
};

static const struct ttrpc_service *const services[] = {&service, NULL};

/* ---- playing ---- */

#define LINE_MAX_BYTES 1024

struct player {
    const char *file;
    unsigned line;
    struct fixture fixture;
    struct outcome outcome;
    unsigned messages_seen;
    struct ttrpc_client_call *open;
};

static void printf_like(2, 3) die(const struct player *player, const char *format, ...)
{
    va_list arguments;

    fprintf(stderr, "%s:%u: ", player->file, player->line);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    exit(1);
}

/* Hexadecimal pairs and "text" to bytes. */
static size_t read_bytes(const struct player *player, const char *text, uint8_t *bytes)
{
    size_t length = 0;

    while (*text != '\0') {
        unsigned value;

        if (isspace((unsigned char)*text)) {
            text++;
        } else if (*text == '"') {
            for (text++; *text != '"' && *text != '\0'; text++)
                bytes[length++] = (uint8_t)*text;
            text++;
        } else if (sscanf(text, "%2x", &value) == 1) {
            bytes[length++] = (uint8_t)value;
            text += 2;
        } else {
            die(player, "bad bytes at '%s'", text);
        }
    }
    return length;
}

static void peer_sends(struct player *player, const char *text)
{
    uint8_t bytes[LINE_MAX_BYTES];
    size_t length = read_bytes(player, text, bytes);

    if (write(player->fixture.raw, bytes, length) != (ssize_t)length)
        die(player, "the socket does not take it");
    loop_run_turns(&player->fixture.loop, 3);
}

static void we_send(struct player *player, const char *text)
{
    uint8_t expected[LINE_MAX_BYTES], bytes[LINE_MAX_BYTES];
    size_t length = read_bytes(player, text, expected);
    ssize_t got;

    loop_run_turns(&player->fixture.loop, 3);
    got = read(player->fixture.raw, bytes, length);
    if (got != (ssize_t)length)
        die(player, "we sent %zd bytes of %zu", got, length);
    for (size_t i = 0; i < length; i++)
        if (bytes[i] != expected[i])
            die(player, "byte %zu is %02x, not %02x", i, bytes[i], expected[i]);
}

static void init_end(struct player *player, bool server, uint32_t frame_bytes)
{
    struct ttrpc_limits limits = ttrpc_limits_default;

    limits.frame_bytes = frame_bytes;
    if (player->fixture.raw > 0)
        fixture_finish(&player->fixture);
    if (server)
        fixture_init_server(&player->fixture, services, &limits);
    else
        fixture_init_client(&player->fixture, &limits);
}

static void we_call(struct player *player, const char *rest, bool open)
{
    Vmreclaim__Agent__V1__PingRequest ping_request = VMRECLAIM__AGENT__V1__PING_REQUEST__INIT;
    Vmreclaim__Agent__V1__WatchRequest watch_request = VMRECLAIM__AGENT__V1__WATCH_REQUEST__INIT;
    Vmreclaim__Agent__V1__ReclaimCacheRequest first =
        VMRECLAIM__AGENT__V1__RECLAIM_CACHE_REQUEST__INIT;
    char method[32] = "";
    bool is_watch;
    int words;
    struct ttrpc_request request = {
        .service = AGENT,
        .open = open,
        .on_result = on_result,
        .userdata = &player->outcome,
    };
    int r;

    words = sscanf(rest, "%31s %lu", method, &ping_request.nonce);
    first.bytes = ping_request.nonce;
    is_watch = strcmp(method, "Watch") == 0;
    player->outcome = (struct outcome){0};
    player->messages_seen = 0;
    request.method = method;
    request.on_message = is_watch ? on_message : NULL;
    if (open)
        request.message = words == 2 ? &first.base : NULL;
    else
        request.message = is_watch ? &watch_request.base : &ping_request.base;
    r = ttrpc_call_start(player->fixture.client, &request, &player->open);
    if (r < 0)
        die(player, "%s: %s", method, strerror(-r));
}

static void we_go_on(struct player *player, const char *number)
{
    Vmreclaim__Agent__V1__ReclaimCacheRequest message =
        VMRECLAIM__AGENT__V1__RECLAIM_CACHE_REQUEST__INIT;

    message.bytes = strtoull(number, NULL, 10);
    if (ttrpc_client_call_send(player->open, &message.base) < 0)
        die(player, "it cannot be sent");
}

static void expect_message(struct player *player, const char *number)
{
    if (player->outcome.messages != player->messages_seen + 1)
        die(player, "%u messages", player->outcome.messages - player->messages_seen);
    if (player->outcome.sequences[player->messages_seen] != strtoull(number, NULL, 10))
        die(player, "message %lu", player->outcome.sequences[player->messages_seen]);
    player->messages_seen++;
}

static void expect_result(struct player *player, const char *rest)
{
    char text[600];
    const struct outcome *outcome = &player->outcome;

    if (!outcome->done)
        die(player, "the call goes on");
    if (outcome->messages != player->messages_seen)
        die(player, "there were more messages");
    snprintf(text, sizeof(text), "%s %s", ttrpc_code_name(outcome->code), outcome->message);
    if (outcome->code == TTRPC_OK && strchr(rest, ' ') != NULL)
        snprintf(text, sizeof(text), "OK %lu", outcome->nonce);
    else if (outcome->code == TTRPC_OK)
        snprintf(text, sizeof(text), "OK");
    if (strcmp(text, rest) != 0)
        die(player, "'%s' instead of '%s'", text, rest);
}

static void expect_closed(struct player *player)
{
    loop_run_turns(&player->fixture.loop, 3);
    if (!player->fixture.server_ending.done && !player->fixture.client_ending.done)
        die(player, "still open");
}

static bool starts(const char *line, const char *word, const char **ret_rest)
{
    size_t length = strlen(word);

    if (strncmp(line, word, length) != 0 || (line[length] != ' ' && line[length] != '\0'))
        return false;
    *ret_rest = line[length] == ' ' ? line + length + 1 : line + length;
    return true;
}

static void play(struct player *player, const char *line)
{
    const char *rest;

    if (*line == '#' || *line == '\0')
        return;
    if (starts(line, "server", &rest) || starts(line, "client", &rest))
        init_end(player, *line == 's', 64 << 10);
    else if (starts(line, "limit", &rest))
        init_end(player, true, (uint32_t)strtoul(rest, NULL, 10));
    else if (starts(line, ">", &rest))
        peer_sends(player, rest);
    else if (starts(line, "<", &rest))
        we_send(player, rest);
    else if (starts(line, "call", &rest))
        we_call(player, rest, false);
    else if (starts(line, "open", &rest))
        we_call(player, rest, true);
    else if (starts(line, "send", &rest))
        we_go_on(player, rest);
    else if (starts(line, "half-close", &rest))
        (void)ttrpc_client_call_half_close(player->open);
    else if (starts(line, "message", &rest))
        expect_message(player, rest);
    else if (starts(line, "result", &rest))
        expect_result(player, rest);
    else if (starts(line, "closed", &rest))
        expect_closed(player);
    else
        die(player, "not understood: '%s'", line);
}

static void finish(struct player *player)
{
    uint8_t byte;

    loop_run_turns(&player->fixture.loop, 3);
    if (read(player->fixture.raw, &byte, 1) == 1)
        die(player, "we sent more");
    fixture_finish(&player->fixture);
}

int main(int argc, char **argv)
{
    struct player player = {.file = argc > 1 ? argv[1] : "", .fixture = {.raw = -1}};
    FILE *file = fopen(player.file, "re");
    char line[LINE_MAX_BYTES];

    if (file == NULL)
        die(&player, "%s", strerror(errno));
    while (fgets(line, sizeof(line), file) != NULL) {
        player.line++;
        line[strcspn(line, "\n")] = '\0';
        play(&player, line);
    }
    (void)fclose(file);
    finish(&player);
    return 0;
}
