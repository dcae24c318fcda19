/* Readers of Watch. Theory of operation: watch.h. */
#include "agent/calls/watch.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "agent/calls/messages.h"
#include "common/base/text.h"

#define RESULTS_MAX 8
#define REASON_SIZE 160

/* An action's result with its strings. */
struct kept_result {
    Vmreclaim__Agent__V1__ActionResult message;
    char action_id[64];
    char reason[REASON_SIZE];
    char asked_by[64];
};

struct watch {
    struct watches *watches;
    struct list link;
    struct ttrpc_call *call;
    nsec_t interval;
    nsec_t due;
    uint64_t sequence;
    uint64_t coalesced;
    bool is_blocked; /* the connection takes no more for now */
    bool has_sample;
    bool has_pressure;
    bool has_engine;
    struct memory_sample sample;
    Vmreclaim__Agent__V1__PressureEvent pressure;
    struct engine_decision engine;
    nsec_t engine_time;
    struct kept_result results[RESULTS_MAX];
    unsigned first_result;
    unsigned result_count;
};

void watches_init(struct watches *watches)
{
    list_init(&watches->list);
    watches->count = 0;
}

static void watch_free(struct watch *watch)
{
    assert(watch->watches->count > 0);
    watch->watches->count--;
    list_remove(&watch->link);
    free(watch);
}

static void on_cancel(struct ttrpc_call *call, void *userdata)
{
    watch_free(userdata);
}

static void on_drain(struct ttrpc_call *call, void *userdata);

/* True when the message left. */
static bool send_message(struct watch *watch, Vmreclaim__Agent__V1__WatchResponse *response,
                         bool is_urgent)
{
    int r;

    response->sequence = watch->sequence + 1;
    response->coalesced = watch->coalesced;
    r = is_urgent ? ttrpc_call_send_urgent(watch->call, &response->base)
                  : ttrpc_call_send(watch->call, &response->base);
    if (r < 0) {
        watch->is_blocked = true;
        ttrpc_call_on_drain(watch->call, on_drain, watch);
        return false;
    }
    watch->sequence++;
    watch->coalesced = 0;
    return true;
}

static bool send_pressure(struct watch *watch)
{
    Vmreclaim__Agent__V1__WatchResponse response = VMRECLAIM__AGENT__V1__WATCH_RESPONSE__INIT;

    response.event_case = VMRECLAIM__AGENT__V1__WATCH_RESPONSE__EVENT_PRESSURE;
    response.pressure = &watch->pressure;
    return send_message(watch, &response, true);
}

static bool send_result(struct watch *watch)
{
    Vmreclaim__Agent__V1__WatchResponse response = VMRECLAIM__AGENT__V1__WATCH_RESPONSE__INIT;

    assert(watch->result_count > 0);
    response.event_case = VMRECLAIM__AGENT__V1__WATCH_RESPONSE__EVENT_ACTION;
    response.action = &watch->results[watch->first_result].message;
    return send_message(watch, &response, false);
}

static bool send_engine(struct watch *watch)
{
    Vmreclaim__Agent__V1__WatchResponse response = VMRECLAIM__AGENT__V1__WATCH_RESPONSE__INIT;
    Vmreclaim__Agent__V1__EngineState state;

    message_from_decision(&watch->engine, watch->engine_time, &state);
    response.event_case = VMRECLAIM__AGENT__V1__WATCH_RESPONSE__EVENT_ENGINE;
    response.engine = &state;
    return send_message(watch, &response, false);
}

static bool send_sample(struct watch *watch)
{
    Vmreclaim__Agent__V1__WatchResponse response = VMRECLAIM__AGENT__V1__WATCH_RESPONSE__INIT;
    Vmreclaim__Agent__V1__MemorySample sample;

    message_from_sample(&watch->sample, NULL, &sample);
    response.event_case = VMRECLAIM__AGENT__V1__WATCH_RESPONSE__EVENT_SAMPLE;
    response.sample = &sample;
    return send_message(watch, &response, false);
}

/* Empties the slots in order of urgency, as far as the connection takes it. */
static void flush(struct watch *watch)
{
    assert(watch->first_result < RESULTS_MAX && watch->result_count <= RESULTS_MAX);
    /* An urgent message has the whole queue, the others half of it. */
    if (watch->has_pressure)
        watch->has_pressure = !send_pressure(watch);
    while (!watch->is_blocked && watch->result_count > 0 && send_result(watch)) {
        watch->first_result = (watch->first_result + 1) % RESULTS_MAX;
        watch->result_count--;
    }
    if (!watch->is_blocked && watch->has_engine)
        watch->has_engine = !send_engine(watch);
    if (!watch->is_blocked && watch->has_sample)
        watch->has_sample = !send_sample(watch);
}

static void on_drain(struct ttrpc_call *call, void *userdata)
{
    struct watch *watch = userdata;

    assert(watch->is_blocked);
    watch->is_blocked = false;
    flush(watch);
}

int watches_open(struct watches *watches, struct ttrpc_call *call, nsec_t interval)
{
    struct watch *watch;

    if (watches->count >= WATCHES_MAX)
        return -EBUSY;
    watch = calloc(1, sizeof(*watch));
    if (watch == NULL)
        return -ENOMEM;
    if (interval == 0)
        interval = WATCH_INTERVAL_DEFAULT;
    watch->watches = watches;
    watch->call = call;
    watch->interval = max_of(interval, WATCH_INTERVAL_MIN);
    watch->interval = min_of(watch->interval, WATCH_INTERVAL_MAX);
    list_append(&watches->list, &watch->link);
    watches->count++;
    assert(watches->count <= WATCHES_MAX);
    ttrpc_call_on_cancel(call, on_cancel, watch);
    return 0;
}

void watches_close(struct watches *watches)
{
    list_for_each_safe (link, following, &watches->list) {
        struct watch *watch = list_entry(link, struct watch, link);
        ttrpc_call_finish(watch->call, NULL);
        watch_free(watch);
    }
    assert(watches->count == 0);
}

nsec_t watches_due(const struct watches *watches)
{
    nsec_t due = NSEC_INFINITY;

    list_for_each (link, &watches->list)
        due = min_of(due, list_entry(link, struct watch, link)->due);
    return due;
}

void watches_publish_sample(struct watches *watches, const struct memory_sample *sample,
                            bool to_all)
{
    list_for_each (link, &watches->list) {
        struct watch *watch = list_entry(link, struct watch, link);
        /* A sample that comes within a tenth of its time saves the reader's own wake-up. */
        if (!to_all && sample->boottime + watch->interval / 10 < watch->due)
            continue;
        watch->due = sample->boottime + watch->interval;
        watch->coalesced += watch->has_sample ? 1 : 0;
        watch->sample = *sample;
        watch->has_sample = true;
        flush(watch);
    }
}

void watches_publish_pressure(struct watches *watches,
                              const Vmreclaim__Agent__V1__PressureEvent *event)
{
    list_for_each (link, &watches->list) {
        struct watch *watch = list_entry(link, struct watch, link);
        bool had_kill = watch->has_pressure && watch->pressure.oom_kill;
        watch->pressure = *event;
        watch->pressure.oom_kill |= had_kill;
        watch->has_pressure = true;
        flush(watch);
    }
}

static void keep_result(struct kept_result *kept, const Vmreclaim__Agent__V1__ActionResult *result)
{
    kept->message = *result;
    text_copy_line(kept->action_id, sizeof(kept->action_id), result->action_id);
    text_copy_line(kept->reason, sizeof(kept->reason), result->reason);
    text_copy_line(kept->asked_by, sizeof(kept->asked_by), result->asked_by);
    kept->message.action_id = kept->action_id;
    kept->message.reason = kept->reason;
    kept->message.asked_by = kept->asked_by;
}

void watches_publish_action(struct watches *watches,
                            const Vmreclaim__Agent__V1__ActionResult *result)
{
    list_for_each (link, &watches->list) {
        struct watch *watch = list_entry(link, struct watch, link);
        if (watch->result_count == RESULTS_MAX) {
            watch->first_result = (watch->first_result + 1) % RESULTS_MAX;
            watch->result_count--;
            watch->coalesced++;
        }
        keep_result(&watch->results[(watch->first_result + watch->result_count++) % RESULTS_MAX],
                    result);
        flush(watch);
    }
}

void watches_publish_engine(struct watches *watches, const struct engine_decision *decision,
                            nsec_t now)
{
    list_for_each (link, &watches->list) {
        struct watch *watch = list_entry(link, struct watch, link);
        watch->engine = *decision;
        watch->engine_time = now;
        watch->has_engine = true;
        flush(watch);
    }
}
