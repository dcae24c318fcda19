/* The loop's side of the bus. */
#include "controller/fleet/bus/bus.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/file.h"
#include "controller/fleet/bus/parts.h"
#include "controller/fleet/bus/thread.h"

#define SEED_FILE_BYTES 256

/* ---- what comes ---- */

static void free_request(struct bus_request *request)
{
    free(request->data);
    free(request);
}

static void finish_request(struct bus *bus, struct bus_request *request)
{
    const struct bus_answer answer = {
        .status = request->status,
        .problem = request->problem,
        .sequence = request->sequence,
        .data = request->data,
        .length = request->data_length,
    };

    if (request->done != NULL && !bus->is_stopped)
        request->done(&answer, request->userdata);
    free_request(request);
}

static void tell_remade(struct bus *bus, const char *stream)
{
    if (bus->options.on_remade != NULL)
        bus->options.on_remade(stream, bus->options.userdata);
}

static void finish_arrival(struct bus *bus, struct bus_arrival *arrival)
{
    const struct bus_message message = {
        .subject = arrival->subject,
        .sequence = arrival->sequence,
        .is_kept = arrival->is_kept,
        .data = arrival->data,
        .length = arrival->length,
    };

    if (bus->is_stopped)
        ;
    else if (arrival->is_remade)
        tell_remade(bus, arrival->stream);
    else if (arrival->stream != NULL)
        bus->options.on_whole(arrival->stream, bus->options.userdata);
    else if (arrival->subject == NULL)
        bus->options.on_state(arrival->is_connected, arrival->problem, bus->options.userdata);
    else
        bus->options.on_message(&message, bus->options.userdata);
    free(arrival);
}

static void take(struct list *from, struct list *ret_all)
{
    list_init(ret_all);
    while (!list_is_empty(from)) {
        struct list *first = from->next;

        list_remove(first);
        list_append(ret_all, first);
    }
}

static void destroy(uv_handle_t *handle)
{
    struct bus *bus = handle->data;

    if (bus->is_started)
        uv_thread_join(&bus->thread);
    for (size_t i = 0; i < bus->subscription_count; i++) {
        free(bus->subscriptions[i].stream);
        free(bus->subscriptions[i].subject);
    }
    free((char *)bus->options.servers);
    free((char *)bus->options.name);
    free((char *)bus->options.inbox);
    free((char *)bus->options.nkey);
    free((char *)bus->options.authority);
    uv_cond_destroy(&bus->wake);
    uv_cond_destroy(&bus->room);
    uv_mutex_destroy(&bus->lock);
    free(bus);
}

static void on_come(uv_async_t *async)
{
    struct bus *bus = async->data;
    struct list answered, arrived;
    bool has_ended;

    uv_mutex_lock(&bus->lock);
    take(&bus->answered, &answered);
    take(&bus->arrived, &arrived);
    bus->arrived_bytes = 0;
    has_ended = bus->has_ended;
    uv_cond_broadcast(&bus->room);
    uv_mutex_unlock(&bus->lock);
    list_for_each_safe (link, following, &arrived)
        finish_arrival(bus, list_entry(link, struct bus_arrival, link));
    list_for_each_safe (link, following, &answered)
        finish_request(bus, list_entry(link, struct bus_request, link));
    if (has_ended && bus->is_stopped && !uv_is_closing((uv_handle_t *)async))
        uv_close((uv_handle_t *)async, destroy);
}

/* ---- what is asked ---- */

static struct bus_request *make(enum bus_verb verb, const char *stream, const char *subject,
                                const void *data, size_t length)
{
    size_t stream_size = strlen(stream) + 1;
    size_t subject_size = strlen(subject) + 1;
    struct bus_request *request = calloc(1, sizeof(*request) + stream_size + subject_size + length);

    if (request == NULL)
        return NULL;
    request->verb = verb;
    request->asked = time_monotonic();
    request->stream = (char *)(request + 1);
    request->subject = request->stream + stream_size;
    request->sent = (uint8_t *)request->subject + subject_size;
    request->length = length;
    memcpy(request->stream, stream, stream_size);
    memcpy(request->subject, subject, subject_size);
    if (length > 0)
        memcpy(request->sent, data, length);
    return request;
}

/* Takes the request. */
static int ask(struct bus *bus, struct bus_request *request)
{
    bool has_room;

    if (request == NULL)
        return -ENOMEM;
    assert(bus->is_started && !bus->is_stopped);
    uv_mutex_lock(&bus->lock);
    has_room =
        bus->asked_count < BUS_ASKED_MAX && bus->asked_bytes + request->length <= BUS_ASKED_BYTES;
    if (has_room) {
        list_append(&bus->asked, &request->link);
        bus->asked_count++;
        bus->asked_bytes += request->length;
        uv_cond_signal(&bus->wake);
    }
    uv_mutex_unlock(&bus->lock);
    if (!has_room)
        free_request(request);
    return has_room ? 0 : -EAGAIN;
}

int bus_publish(struct bus *bus, const char *subject, const void *data, size_t length)
{
    return ask(bus, make(BUS_PUBLISH, "", subject, data, length));
}

static struct bus_request *with_end(struct bus_request *request, uint64_t expected, bus_done done,
                                    void *userdata)
{
    if (request != NULL) {
        request->expected = expected;
        request->done = done;
        request->userdata = userdata;
    }
    return request;
}

int bus_put(struct bus *bus, const char *subject, const void *data, size_t length,
            uint64_t expected, bus_done done, void *userdata)
{
    return ask(bus, with_end(make(BUS_PUT, "", subject, data, length), expected, done, userdata));
}

int bus_get(struct bus *bus, const char *stream, const char *subject, bus_done done, void *userdata)
{
    return ask(bus, with_end(make(BUS_GET, stream, subject, NULL, 0), 0, done, userdata));
}

int bus_ask(struct bus *bus, const char *subject, bus_done done, void *userdata)
{
    return ask(bus, with_end(make(BUS_ASK, "", subject, NULL, 0), 0, done, userdata));
}

/* ---- the whole ---- */

static int subscribe(struct bus *bus, const char *stream, const char *subject, uint64_t newest)
{
    struct bus_subscription *subscription = &bus->subscriptions[bus->subscription_count];

    assert(!bus->is_started && bus->subscription_count < BUS_SUBSCRIPTIONS_MAX);
    *subscription = (struct bus_subscription){
        .bus = bus,
        .stream = stream == NULL ? NULL : strdup(stream),
        .subject = strdup(subject),
        .newest = newest,
    };
    if (subscription->subject == NULL || (stream != NULL && subscription->stream == NULL)) {
        free(subscription->stream);
        free(subscription->subject);
        return -ENOMEM;
    }
    bus->subscription_count++;
    return 0;
}

int bus_subscribe(struct bus *bus, const char *subject)
{
    return subscribe(bus, NULL, subject, 0);
}

int bus_follow(struct bus *bus, const char *stream, const char *subject)
{
    return subscribe(bus, stream, subject, 0);
}

int bus_follow_newest(struct bus *bus, const char *stream, const char *subject, uint64_t count)
{
    assert(count > 0);
    return subscribe(bus, stream, subject, count);
}

static int read_nkey(struct bus *bus, struct error *error)
{
    char seed[SEED_FILE_BYTES];
    const char *path = bus->options.nkey;
    int r = file_read_into(AT_FDCWD, path, seed, sizeof(seed));

    if (r < 0)
        return error_set(error, r, "nkey %s: %s", path, strerror(-r));
    r = nkey_public(seed, bus->public_key, error);
    sodium_memzero(seed, sizeof(seed));
    return r < 0 ? error_prefix(error, r, "nkey %s", path) : 0;
}

/* NULL stays NULL. */
static int copy_text(const char **text)
{
    if (*text != NULL)
        *text = strdup(*text);
    return 0;
}

static bool copy_texts(struct bus_options *options, const struct bus_options *given)
{
    (void)copy_text(&options->servers);
    (void)copy_text(&options->name);
    (void)copy_text(&options->inbox);
    (void)copy_text(&options->nkey);
    (void)copy_text(&options->authority);
    return options->servers != NULL && options->name != NULL &&
           (options->inbox != NULL) == (given->inbox != NULL) &&
           (options->nkey != NULL) == (given->nkey != NULL) &&
           (options->authority != NULL) == (given->authority != NULL);
}

int bus_create(uv_loop_t *loop, const struct bus_options *options, struct bus **ret_bus,
               struct error *error)
{
    struct bus *bus = calloc(1, sizeof(*bus));
    int r;

    if (bus == NULL)
        return error_set(error, -ENOMEM, "out of memory");
    bus->options = *options;
    list_init(&bus->asked);
    list_init(&bus->answered);
    list_init(&bus->arrived);
    uv_mutex_init(&bus->lock);
    uv_cond_init(&bus->wake);
    uv_cond_init(&bus->room);
    uv_async_init(loop, &bus->come, on_come);
    bus->come.data = bus;
    r = copy_texts(&bus->options, options) ? 0 : error_set(error, -ENOMEM, "out of memory");
    if (r == 0 && options->nkey != NULL)
        r = read_nkey(bus, error);
    if (r < 0) {
        uv_close((uv_handle_t *)&bus->come, destroy);
        return r;
    }
    *ret_bus = bus;
    return 0;
}

int bus_start(struct bus *bus, struct error *error)
{
    int r = uv_thread_create(&bus->thread, bus_run, bus);

    bus->is_started = r == 0;
    return r < 0 ? error_set(error, r, "no thread for the bus: %s", uv_strerror(r)) : 0;
}

void bus_stop(struct bus *bus)
{
    if (bus == NULL)
        return;
    assert(!bus->is_stopped);
    bus->is_stopped = true;
    if (!bus->is_started) {
        uv_close((uv_handle_t *)&bus->come, destroy);
        return;
    }
    uv_mutex_lock(&bus->lock);
    bus->is_stopping = true;
    uv_cond_signal(&bus->wake);
    uv_cond_broadcast(&bus->room);
    uv_mutex_unlock(&bus->lock);
}
