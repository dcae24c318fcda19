/* Guests that mean harm: listens where the controller dials agents, PATH.0 … PATH.<COUNT-1>, and
 * misbehaves on every connection in one way.
 *
 *   garbage   random bytes
 *   flood     well-formed frames without end, answers to nothing
 *   claims    the header of the largest frame, then silence, again and again on new connections
 *   drip      a large frame, one byte a second
 *   deaf      never reads, answers nothing
 *   storm     closes every connection at once
 *   unfold    answers whatever is asked with messages that decode into as much as possible */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/transport/transport.h"
#include "common/ttrpc/frame.h"
#include "tests/bench/aliases.h"

#define FLOOD_SIZE ((size_t)60 << 10)

struct guest {
    uv_poll_t poll;
    uv_timer_t timer;
    int descriptor;
    unsigned open_handles;
};

struct behaviour {
    const char *name;
    void (*on_connected)(struct guest *guest);
    void (*on_writable)(struct guest *guest); /* NULL: silent */
    void (*on_second)(struct guest *guest);   /* NULL: none */
};

static const struct behaviour *behaviour;
static uint8_t flood[FLOOD_SIZE];
static uint8_t unfolding[FLOOD_SIZE];
static uv_loop_t loop;

static void on_closed(uv_handle_t *handle)
{
    struct guest *guest = handle->data;

    if (--guest->open_handles == 0)
        free(guest);
}

static void leave(struct guest *guest)
{
    if (guest->descriptor < 0)
        return;
    uv_close((uv_handle_t *)&guest->poll, on_closed);
    uv_close((uv_handle_t *)&guest->timer, on_closed);
    (void)close(guest->descriptor);
    guest->descriptor = -1;
}

/* The rest of a short write is dropped: it only makes the stream worse. */
static void say(struct guest *guest, const void *bytes, size_t length)
{
    if (send(guest->descriptor, bytes, length, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 && errno != EAGAIN)
        leave(guest);
}

static void say_garbage(struct guest *guest)
{
    uint8_t bytes[4096];

    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)random();
    say(guest, bytes, sizeof(bytes));
}

static void say_flood(struct guest *guest)
{
    say(guest, flood, sizeof(flood));
}

static void say_header(struct guest *guest)
{
    static const uint8_t header[] = {0x00, 0x00, 0xff, 0xff, 0, 0, 0, 1, FRAME_RESPONSE, 0};

    say(guest, header, sizeof(header));
}

static void say_byte(struct guest *guest)
{
    say(guest, "", 1);
}

static void say_unfolding(struct guest *guest)
{
    say(guest, unfolding, sizeof(unfolding));
}

static void ignore(struct guest *guest)
{
    (void)guest;
}

static const struct behaviour behaviours[] = {
    {"garbage", say_garbage, say_garbage, NULL},
    {"flood", ignore, say_flood, NULL},
    {"claims", say_header, NULL, leave},
    {"drip", say_header, NULL, say_byte},
    {"deaf", ignore, NULL, NULL},
    {"storm", leave, NULL, NULL},
    {"unfold", say_unfolding, say_unfolding, NULL},
};

static void on_poll(uv_poll_t *poll, int status, int events)
{
    if (status < 0 || (events & UV_DISCONNECT) != 0)
        leave(poll->data);
    else if (behaviour->on_writable != NULL)
        behaviour->on_writable(poll->data);
}

static void on_second(uv_timer_t *timer)
{
    behaviour->on_second(timer->data);
}

static void on_accept(int descriptor, const struct peer *peer, void *userdata)
{
    struct guest *guest = calloc(1, sizeof(*guest));

    (void)peer;
    (void)userdata;
    if (guest == NULL || uv_poll_init(&loop, &guest->poll, descriptor) < 0)
        abort();
    (void)uv_timer_init(&loop, &guest->timer);
    guest->poll.data = guest;
    guest->timer.data = guest;
    guest->open_handles = 2;
    guest->descriptor = descriptor;
    (void)uv_poll_start(
        &guest->poll, UV_DISCONNECT | (behaviour->on_writable != NULL ? UV_WRITABLE : 0), on_poll);
    if (behaviour->on_second != NULL)
        (void)uv_timer_start(&guest->timer, on_second, 1000, 1000);
    behaviour->on_connected(guest);
}

/* Empty Data frames for the stream that is the controller's Watch, or soon will be. */
static void make_flood(void)
{
    struct frame_header header = {.stream = 3, .type = FRAME_DATA};

    for (size_t i = 0; i + FRAME_HEADER_SIZE <= sizeof(flood); i += FRAME_HEADER_SIZE)
        frame_header_encode(&header, flood + i);
}

/* An answer to the first call: empty submessages (features of GetInfoResponse), two bytes each. */
static void make_unfolding(void)
{
    struct frame_header header = {
        .length = sizeof(unfolding) - FRAME_HEADER_SIZE, .stream = 1, .type = FRAME_RESPONSE};
    size_t inner = header.length - 4;

    frame_header_encode(&header, unfolding);
    unfolding[10] = 0x12; /* payload */
    unfolding[11] = (uint8_t)(inner | 0x80);
    unfolding[12] = (uint8_t)(inner >> 7 | 0x80);
    unfolding[13] = (uint8_t)(inner >> 14);
    for (size_t i = 14; i + 1 < sizeof(unfolding); i += 2)
        unfolding[i] = 0x5a; /* feature, length 0 */
}

static const struct behaviour *find(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(behaviours); i++)
        if (strcmp(behaviours[i].name, name) == 0)
            return &behaviours[i];
    return NULL;
}

int main(int argc, char **argv)
{
    struct address address;
    struct error error = {.text = "usage: hostile-guest unix:PATH COUNT "
                                  "garbage|flood|claims|drip|deaf|storm|unfold"};
    struct listener *listener;

    behaviour = argc == 4 ? find(argv[3]) : NULL;
    make_flood();
    make_unfolding();
    if (behaviour == NULL || uv_loop_init(&loop) < 0 ||
        address_parse(argv[1], &address, &error) < 0 ||
        listener_create(&loop, &address, 0600, on_accept, NULL, &listener, &error) < 0) {
        (void)fprintf(stderr, "%s\n", error.text);
        return 2;
    }
    make_aliases(&address, (unsigned)atoi(argv[2]));
    return uv_run(&loop, UV_RUN_DEFAULT);
}
