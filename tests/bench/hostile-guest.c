/* Guests that mean harm: listens where the controller dials agents, PATH.0 … PATH.<COUNT-1>, and
 * misbehaves on every connection in one way; `knocks` dials PATH instead. The table below tells
 * what each does. Streams 1 and 3 are the controller's GetInfo and Watch. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent.pb-c.h"
#include "common/transport/transport.h"
#include "common/ttrpc/frame.h"
#include "tests/bench/aliases.h"

#define SCRIPT_SIZE  ((size_t)120 << 10)
#define PAYLOAD_SIZE ((size_t)60 << 10)
#define KNOCKS       5 /* a millisecond */

struct script {
    uint8_t bytes[SCRIPT_SIZE];
    size_t length;
};

struct guest {
    uv_poll_t poll;
    uv_timer_t timer;
    int descriptor;
    unsigned open_handles;
    size_t said; /* of the script, over and over */
};

struct behaviour {
    const char *name;
    void (*write)(void);                       /* fills the script; NULL: nothing to say */
    void (*on_connected)(struct guest *guest); /* NULL: none */
    void (*on_second)(struct guest *guest);    /* NULL: none */
    bool answers;                              /* GetInfo first, as a good agent does */
};

static struct script greeting;
static struct script script;
static uv_loop_t loop;
static const struct behaviour *behaviour;

/* ---- what they say ---- */

static uint8_t *add_frame(struct script *to, uint32_t stream, uint8_t type, uint8_t flags,
                          size_t length)
{
    struct frame_header header = {
        .length = (uint32_t)length, .stream = stream, .type = type, .flags = flags};
    uint8_t *payload = to->bytes + to->length + FRAME_HEADER_SIZE;

    if (length + FRAME_HEADER_SIZE > SCRIPT_SIZE - to->length)
        abort();
    frame_header_encode(&header, to->bytes + to->length);
    to->length += FRAME_HEADER_SIZE + length;
    return payload;
}

static bool has_room(size_t length)
{
    return SCRIPT_SIZE - script.length >= FRAME_HEADER_SIZE + length;
}

/* A field of many bytes; returns where they go. */
static uint8_t *put_field(uint8_t *to, uint8_t tag, size_t length)
{
    *to++ = tag;
    *to++ = (uint8_t)(length | 0x80);
    *to++ = (uint8_t)(length >> 7 | 0x80);
    *to++ = (uint8_t)(length >> 14);
    return to;
}

#define FIELD_HEAD ((size_t)4)

static void write_garbage(void)
{
    for (; script.length < SCRIPT_SIZE; script.length++)
        script.bytes[script.length] = (uint8_t)random();
}

static void write_flood(void)
{
    while (has_room(0))
        (void)add_frame(&script, 3, FRAME_DATA, 0, 0);
}

static void write_strays(void)
{
    for (unsigned i = 0; has_room(7); i++)
        memset(add_frame(&script, i * 2654435761u, (uint8_t)i, (uint8_t)(i >> 8), 7), 0xff, 7);
}

static void write_header(void)
{
    struct frame_header header = {.length = 65535, .stream = 1, .type = FRAME_RESPONSE};

    frame_header_encode(&header, script.bytes);
    script.length = FRAME_HEADER_SIZE;
}

/* An answer to GetInfo of empty features, two bytes each. */
static void write_unfolding(void)
{
    uint8_t *payload = add_frame(&script, 1, FRAME_RESPONSE, 0, PAYLOAD_SIZE);
    uint8_t *info = put_field(payload, 0x12, PAYLOAD_SIZE - FIELD_HEAD);

    for (size_t i = 0; i < PAYLOAD_SIZE - FIELD_HEAD; i++)
        info[i] = i % 2 == 0 ? 0x5a : 0;
}

/* A sample whose list of free blocks has tens of thousands of entries. */
static void write_lists(void)
{
    uint8_t *payload = add_frame(&script, 3, FRAME_DATA, 0, PAYLOAD_SIZE);
    uint8_t *sample = put_field(payload, 0x1a, PAYLOAD_SIZE - FIELD_HEAD);

    sample[0] = 0xa2; /* free_blocks, a tag of two bytes */
    memset(put_field(sample + 1, 0x02, PAYLOAD_SIZE - 2 * FIELD_HEAD - 1), 1,
           PAYLOAD_SIZE - 2 * FIELD_HEAD - 1);
}

static void write_metadata(void)
{
    uint8_t *payload = add_frame(&script, 1, FRAME_REQUEST, 0, PAYLOAD_SIZE);

    for (size_t i = 0; i < PAYLOAD_SIZE; i++)
        payload[i] = i % 2 == 0 ? 0x2a : 0;
}

static void add_watch(const Vmreclaim__Agent__V1__WatchResponse *response)
{
    size_t length = protobuf_c_message_get_packed_size(&response->base);

    while (has_room(length))
        (void)protobuf_c_message_pack(&response->base,
                                      add_frame(&script, 3, FRAME_DATA, 0, length));
}

static void write_samples_of(uint64_t total, uint64_t free)
{
    Vmreclaim__Agent__V1__WatchResponse response = VMRECLAIM__AGENT__V1__WATCH_RESPONSE__INIT;
    Vmreclaim__Agent__V1__MemorySample sample = VMRECLAIM__AGENT__V1__MEMORY_SAMPLE__INIT;

    sample.total = total;
    sample.free = free;
    response.event_case = VMRECLAIM__AGENT__V1__WATCH_RESPONSE__EVENT_SAMPLE;
    response.sample = &sample;
    add_watch(&response);
}

static void write_samples(void)
{
    write_samples_of((uint64_t)1 << 30, (uint64_t)1 << 29);
}

static void write_lies(void)
{
    write_samples_of(UINT64_MAX, UINT64_MAX);
}

static void write_pressure(void)
{
    Vmreclaim__Agent__V1__WatchResponse response = VMRECLAIM__AGENT__V1__WATCH_RESPONSE__INIT;
    Vmreclaim__Agent__V1__PressureEvent pressure = VMRECLAIM__AGENT__V1__PRESSURE_EVENT__INIT;

    pressure.memory_some_permyriad = 9999;
    pressure.oom_kill = true;
    response.event_case = VMRECLAIM__AGENT__V1__WATCH_RESPONSE__EVENT_PRESSURE;
    response.pressure = &pressure;
    add_watch(&response);
}

static void write_actions(void)
{
    Vmreclaim__Agent__V1__WatchResponse response = VMRECLAIM__AGENT__V1__WATCH_RESPONSE__INIT;
    Vmreclaim__Agent__V1__ActionResult action = VMRECLAIM__AGENT__V1__ACTION_RESULT__INIT;

    action.reason = (char *)"\x1b[2J nothing";
    response.event_case = VMRECLAIM__AGENT__V1__WATCH_RESPONSE__EVENT_ACTION;
    response.action = &action;
    add_watch(&response);
}

/* "OK 1" and then no end of the line. */
static void write_handshake(void)
{
    memcpy(script.bytes, "OK 1", 4);
    script.length = 4;
}

static void write_greeting(void)
{
    Vmreclaim__Agent__V1__GetInfoResponse info = VMRECLAIM__AGENT__V1__GET_INFO_RESPONSE__INIT;
    size_t length;
    uint8_t *payload;

    info.boot_id = (char *)"bbbbbbbb-0000-0000-0000-000000000001";
    length = protobuf_c_message_get_packed_size(&info.base);
    payload = add_frame(&greeting, 1, FRAME_RESPONSE, 0, FIELD_HEAD + length);
    (void)protobuf_c_message_pack(&info.base, put_field(payload, 0x12, length));
}

/* ---- how they say it ---- */

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
    close(guest->descriptor);
    guest->descriptor = -1;
}

/* Goes on where the last write ended, so that what is valid stays valid. */
static void say(struct guest *guest, size_t most)
{
    size_t left = script.length - guest->said;
    ssize_t length = send(guest->descriptor, script.bytes + guest->said, min_of(left, most),
                          MSG_NOSIGNAL | MSG_DONTWAIT);

    if (length < 0 && errno != EAGAIN)
        leave(guest);
    else if (length > 0)
        guest->said = (guest->said + (size_t)length) % script.length;
}

static void say_byte(struct guest *guest)
{
    say(guest, 1);
}

static void say_once(struct guest *guest)
{
    say(guest, SIZE_MAX);
}

static void say_once_and_leave(struct guest *guest)
{
    say(guest, SCRIPT_SIZE / 1000);
    leave(guest);
}

static void close_half(struct guest *guest)
{
    (void)shutdown(guest->descriptor, SHUT_WR);
}

static const struct behaviour behaviours[] = {
    {"garbage", write_garbage, NULL, NULL, false},    /* random bytes */
    {"flood", write_flood, NULL, NULL, false},        /* empty messages of the Watch */
    {"strays", write_strays, NULL, NULL, false},      /* frames of all types, streams and flags */
    {"claims", write_header, say_once, leave, false}, /* announces the largest frame, comes again */
    {"drip", write_header, say_once, say_byte, false}, /* a large frame, one byte a second */
    {"deaf", NULL, NULL, NULL, false},                 /* neither reads nor answers */
    {"storm", NULL, leave, NULL, false},               /* closes at once */
    {"visits", write_samples, say_once_and_leave, NULL, true}, /* a few samples, then closes */
    {"halves", NULL, close_half, NULL, true},                  /* closes its half only */
    {"unfold", write_unfolding, NULL, NULL, false},        /* decodes into as much as possible */
    {"lists", write_lists, NULL, NULL, true},              /* the same in one packed list */
    {"metadata", write_metadata, NULL, NULL, false},       /* requests of empty metadata */
    {"samples", write_samples, NULL, NULL, true},          /* valid ones without end */
    {"lies", write_lies, NULL, NULL, true},                /* ones that cannot be true */
    {"pressure", write_pressure, NULL, NULL, true},        /* alarms without end */
    {"actions", write_actions, NULL, NULL, true},          /* claims to have acted, without end */
    {"handshake", write_handshake, NULL, say_byte, false}, /* hybrid: OK, one byte a second */
    {"knocks", NULL, NULL, NULL, false}, /* dials PATH, thousands of times a second */
};

static bool talks(void)
{
    return script.length > 0 && behaviour->on_connected == NULL && behaviour->on_second == NULL;
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    if (status < 0 || (events & UV_DISCONNECT) != 0)
        leave(poll->data);
    else if (talks())
        say(poll->data, SIZE_MAX);
}

static void on_second(uv_timer_t *timer)
{
    behaviour->on_second(timer->data);
}

static void on_accept(int descriptor, const struct peer *peer, void *userdata)
{
    struct guest *guest = calloc(1, sizeof(*guest));

    if (guest == NULL || uv_poll_init(&loop, &guest->poll, descriptor) < 0)
        abort();
    uv_timer_init(&loop, &guest->timer);
    guest->poll.data = guest;
    guest->timer.data = guest;
    guest->open_handles = 2;
    guest->descriptor = descriptor;
    (void)uv_poll_start(&guest->poll, UV_DISCONNECT | (talks() ? UV_WRITABLE : 0), on_poll);
    if (behaviour->on_second != NULL)
        uv_timer_start(&guest->timer, on_second, 1000, 1000);
    if (behaviour->answers)
        (void)send(descriptor, greeting.bytes, greeting.length, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (behaviour->on_connected != NULL)
        behaviour->on_connected(guest);
}

/* ---- knocking ---- */

static void on_knock(uv_timer_t *timer)
{
    const struct address *address = timer->data;
    union {
        struct sockaddr any;
        struct sockaddr_un local;
    } name = {.local = {.sun_family = AF_UNIX}};

    snprintf(name.local.sun_path, sizeof(name.local.sun_path), "%s", address->path);
    for (unsigned i = 0; i < KNOCKS; i++) {
        int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

        (void)connect(descriptor, &name.any, sizeof(name.local));
        close(descriptor);
    }
}

static int knock(struct address *address)
{
    static uv_timer_t timer;

    uv_timer_init(&loop, &timer);
    timer.data = address;
    return uv_timer_start(&timer, on_knock, 1, 1);
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
    struct error error = {.text = "usage: hostile-guest unix:PATH COUNT BEHAVIOUR"};
    struct listener *listener;

    behaviour = argc == 4 ? find(argv[3]) : NULL;
    if (behaviour == NULL || uv_loop_init(&loop) < 0 ||
        address_parse(argv[1], &address, &error) < 0) {
        fprintf(stderr, "%s\n", error.text);
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    if (strcmp(behaviour->name, "knocks") == 0) {
        (void)knock(&address);
        return uv_run(&loop, UV_RUN_DEFAULT);
    }
    write_greeting();
    if (behaviour->write != NULL)
        behaviour->write();
    if (listener_create(&loop, &address, 0600, on_accept, NULL, &listener, &error) < 0) {
        fprintf(stderr, "%s\n", error.text);
        return 2;
    }
    make_aliases(&address, (unsigned)atoi(argv[2]));
    return uv_run(&loop, UV_RUN_DEFAULT);
}
