/* From WatchEvents to text/event-stream. */
#include "controller/web/events.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/log.h"
#include "controller.pb-c.h"
#include "controller/json/json.h"
#include "controller/web/reply.h"

#define SAMPLES_WAIT (NSEC_PER_SEC)      /* until they are sent together */
#define OTHERS_WAIT  (NSEC_PER_SEC / 10) /* what a person waits for */
#define ALIVE_MS     15000u
#define AGAIN_MS     1000u /* after an end of the daemon's stream alone */
#define BLOCK_BYTES  ((size_t)4 << 10)
#define STATE_BYTES  64 /* of the event that says whether somebody is there */

#define RETRY  "retry: 3000\n\n"
#define MISSED "event: missed\ndata: {}\n\n"
#define ALIVE  ":\n\n"

typedef Vmreclaim__Controller__V1__Event Event;

struct stream {
    struct list link;
    struct events *events;
    struct request *request;
    struct ring_cursor cursor;
    bool sleeps;
};

/* ---- sending ---- */

static void wake_all(struct events *events)
{
    list_for_each (link, &events->streams) {
        struct stream *stream = list_entry(link, struct stream, link);

        if (stream->sleeps)
            request_wake(stream->request);
        stream->sleeps = false;
    }
}

static void on_flush(uv_timer_t *timer)
{
    struct events *events = timer->data;

    if (events->was_lost)
        (void)ring_append(&events->ring, MISSED, strlen(MISSED));
    (void)ring_append(&events->ring, events->pending, events->pending_length);
    events->pending_length = 0;
    events->was_lost = false;
    events->flush_due = NSEC_INFINITY;
    wake_all(events);
}

static void flush_within(struct events *events, nsec_t wait)
{
    nsec_t now = time_monotonic();

    if (time_after(now, wait) >= events->flush_due)
        return;
    events->flush_due = now + wait;
    uv_timer_start(&events->flush, on_flush, wait / NSEC_PER_MSEC, 0);
}

/* What there is no room for is lost, and that is said. */
static void append(struct events *events, const char *text)
{
    size_t length = strlen(text);

    if (events->pending == NULL)
        events->pending = malloc(EVENTS_PENDING_BYTES);
    if (events->pending == NULL || length > EVENTS_PENDING_BYTES - events->pending_length) {
        events->was_lost = true;
        return;
    }
    memcpy(events->pending + events->pending_length, text, length);
    events->pending_length += length;
}

/* So that it is lost whole, where it is. */
static void append_message(struct events *events, const char *json)
{
    size_t before = events->pending_length;

    append(events, "data: ");
    append(events, json);
    append(events, "\n\n");
    if (events->was_lost)
        events->pending_length = before;
}

/* ---- the daemon's events ---- */

static void on_event(const ProtobufCMessage *message, void *userdata)
{
    struct events *events = userdata;
    const Event *event = (const void *)message;
    json_t *json;
    char *text;

    if (list_is_empty(&events->streams) || json_from_message(message, &json) < 0)
        return;
    (void)json_object_del(json_object_get(json, "waterfall"), "guest");
    text = json_dumps(json, JSON_COMPACT | JSON_PRESERVE_ORDER);
    json_decref(json);
    if (text == NULL)
        events->was_lost = true;
    else
        append_message(events, text);
    free(text);
    flush_within(events, strcmp(event->kind, "sample") == 0 ? SAMPLES_WAIT : OTHERS_WAIT);
}

static void on_again(uv_timer_t *timer);

static void complain(struct events *events, const char *reason)
{
    unsigned suppressed;

    if (log_limit_pass(&events->complaints, time_monotonic(), &suppressed))
        log_warning("no events from vmreclaimd: %s", reason);
}

static void on_end(const struct ttrpc_result *result, void *userdata)
{
    struct events *events = userdata;

    events->watch = NULL;
    if (result->is_lost)
        return; /* the connection says so itself */
    complain(events, result->message[0] != '\0' ? result->message : ttrpc_code_name(result->code));
    uv_timer_start(&events->again, on_again, AGAIN_MS, 0);
}

/* Once begun it goes on, because the wire has no way to end it. */
static void watch(struct events *events)
{
    Vmreclaim__Controller__V1__WatchEventsRequest request =
        VMRECLAIM__CONTROLLER__V1__WATCH_EVENTS_REQUEST__INIT;
    int r;

    if (events->watch != NULL || events->daemon.upstream->connection == NULL ||
        uv_is_active((const uv_handle_t *)&events->again))
        return;
    r = ttrpc_call_stream(events->daemon.upstream->connection,
                          &vmreclaim__controller__v1__controller__descriptor, "WatchEvents",
                          &request.base, 0, on_event, on_end, events, &events->watch);
    if (r < 0) {
        complain(events, strerror(-r));
        uv_timer_start(&events->again, on_again, AGAIN_MS, 0);
    }
}

/* What happened in between is lost, and that is said once there are events again. */
static void on_again(uv_timer_t *timer)
{
    struct events *events = timer->data;

    if (list_is_empty(&events->streams))
        return;
    watch(events);
    append(events, MISSED);
    flush_within(events, OTHERS_WAIT);
}

static void on_alive(uv_timer_t *timer)
{
    struct events *events = timer->data;

    append(events, ALIVE);
    flush_within(events, OTHERS_WAIT);
}

/* "" for one that is never asked. */
static const char *state_of(const struct events_peer *peer, char text[STATE_BYTES])
{
    text[0] = '\0';
    if (!peer->upstream->is_none)
        snprintf(text, STATE_BYTES, "event: %s\ndata: {\"connected\": %s}\n\n", peer->name,
                 peer->upstream->connection != NULL ? "true" : "false");
    return text;
}

static void on_change(void *userdata)
{
    struct events_peer *peer = userdata;
    struct events *events = peer->events;
    bool is_connected = peer->upstream->connection != NULL;
    bool is_told = !list_is_empty(&events->streams) && is_connected != peer->is_connected;
    char text[STATE_BYTES];

    peer->is_connected = is_connected; /* new streams are told first of all */
    if (!is_told)
        return;
    append(events, state_of(peer, text));
    flush_within(events, OTHERS_WAIT);
}

static void on_daemon_change(void *userdata)
{
    struct events_peer *peer = userdata;
    struct events *events = peer->events;

    if (peer->upstream->connection == NULL)
        events->watch = NULL;
    (void)uv_timer_stop(&events->again);
    if (!list_is_empty(&events->streams) && !peer->is_connected)
        watch(events);
    on_change(peer);
}

/* ---- streams ---- */

static ssize_t on_read(void *userdata, uint64_t position, char *buffer, size_t room)
{
    struct stream *stream = userdata;
    size_t length = ring_read(&stream->events->ring, &stream->cursor, MISSED, buffer, room);

    if (length == 0)
        stream->sleeps = request_sleep(stream->request);
    return length > 0 || stream->sleeps ? (ssize_t)length : MHD_CONTENT_READER_END_OF_STREAM;
}

static void on_gone(struct request *request, void *userdata)
{
    struct stream *stream = userdata;

    list_remove(&stream->link);
    ring_cursor_finish(&stream->cursor);
    if (list_is_empty(&stream->events->streams))
        (void)uv_timer_stop(&stream->events->alive);
    free(stream);
}

static struct reply *make_reply(struct stream *stream)
{
    struct reply *reply = reply_stream("text/event-stream", BLOCK_BYTES, on_read, stream);

    if (reply != NULL)
        reply_header(reply, "X-Accel-Buffering", "no");
    return reply;
}

static void refuse(struct request *request)
{
    request_refuse(request, MHD_HTTP_SERVICE_UNAVAILABLE,
                   "%d pages are open already, no more can be live. Close one.\n",
                   SERVER_STREAMS_MAX);
}

void events_answer(struct events *events, struct request *request)
{
    char greeting[sizeof(RETRY) + 2 * STATE_BYTES], daemon[STATE_BYTES], fleet[STATE_BYTES];
    struct stream *stream;

    snprintf(greeting, sizeof(greeting), RETRY "%s%s", state_of(&events->daemon, daemon),
             state_of(&events->fleet, fleet));
    if (!request_enter_streams(request)) {
        refuse(request);
        return;
    }
    stream = calloc(1, sizeof(*stream));
    if (stream == NULL || ring_cursor_init(&stream->cursor, &events->ring, greeting) < 0) {
        free(stream);
        request_answer(request, MHD_HTTP_SERVICE_UNAVAILABLE, NULL);
        return;
    }
    stream->events = events;
    stream->request = request;
    list_append(&events->streams, &stream->link);
    request_wait(request, on_gone, stream);
    request_answer(request, MHD_HTTP_OK, make_reply(stream));
    watch(events);
    if (!uv_is_active((const uv_handle_t *)&events->alive))
        uv_timer_start(&events->alive, on_alive, ALIVE_MS, ALIVE_MS);
}

static void listen_to(struct events_peer *peer, void (*on_peer_change)(void *userdata))
{
    peer->listener = (struct upstream_listener){.on_change = on_peer_change, .userdata = peer};
    upstream_listen(peer->upstream, &peer->listener);
}

void events_init(struct events *events, uv_loop_t *loop, struct upstream *daemon,
                 struct upstream *fleet)
{
    *events = (struct events){
        .daemon = {.events = events, .name = "daemon", .upstream = daemon},
        .fleet = {.events = events, .name = "fleet", .upstream = fleet},
        .flush_due = NSEC_INFINITY,
        .complaints = {.interval = 60 * NSEC_PER_SEC, .burst = 1},
    };
    list_init(&events->streams);
    ring_init(&events->ring);
    uv_timer_init(loop, &events->flush);
    uv_timer_init(loop, &events->alive);
    uv_timer_init(loop, &events->again);
    events->flush.data = events;
    events->alive.data = events;
    events->again.data = events;
    listen_to(&events->daemon, on_daemon_change);
    listen_to(&events->fleet, on_change);
}

void events_stop(struct events *events)
{
    if (events->watch != NULL)
        ttrpc_client_call_cancel(events->watch);
    uv_close((uv_handle_t *)&events->flush, NULL);
    uv_close((uv_handle_t *)&events->alive, NULL);
    uv_close((uv_handle_t *)&events->again, NULL);
    ring_finish(&events->ring);
    free(events->pending);
}
