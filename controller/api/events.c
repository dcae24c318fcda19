/* The event stream. A watcher that does not keep up, or whose user asks for too much, is skipped.
 * Later it gets one "warning" that says how many events it missed. */
#include "controller/api/events.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/time.h"
#include "common/base/util.h"
#include "controller/messages/event.h"
#include "controller/messages/text.h"

struct watcher {
    struct list link;
    struct api_call *call;
    char vm[VM_NAME_SIZE]; /* empty: all */
    struct vm_event_kinds kinds;
    uint64_t missed;
};

/* -EAGAIN: the watcher is slow. */
static int tell_missed(const struct api *api, struct watcher *watcher)
{
    Vmreclaim__Controller__V1__Event event = VMRECLAIM__CONTROLLER__V1__EVENT__INIT;
    char text[96];
    int r;

    if (watcher->missed == 0)
        return 0;
    snprintf(text, sizeof(text),
             "%" PRIu64 " events were not sent: the reader was slow, or asks for much",
             watcher->missed);
    event.sequence = api->event_sequence;
    event.time_ns = time_realtime();
    event.kind = message_text("warning");
    event.text = text;
    r = api_call_send(watcher->call, &event.base);
    if (r == 0)
        watcher->missed = 0;
    return r;
}

static bool has_to_wait(const struct watcher *watcher)
{
    const struct ttrpc_share *share = watcher->call->share;

    return share != NULL && ttrpc_share_paid_until(share) > time_monotonic();
}

static bool wants(const struct watcher *watcher, const struct vm_event *event)
{
    if (watcher->vm[0] != '\0' && strcmp(watcher->vm, event->vm->name) != 0)
        return false;
    return event->kind == VM_EVENT_STATE
               ? (watcher->kinds.states & 1u << event->vm->life.state) != 0
               : (watcher->kinds.kinds & 1u << event->kind) != 0;
}

static void publish(struct api *api, const struct vm_event *cause,
                    Vmreclaim__Controller__V1__Event *event)
{
    event->sequence = ++api->event_sequence;
    event->time_ns = time_realtime();
    list_for_each_safe (link, following, &api->watchers) {
        struct watcher *watcher = list_entry(link, struct watcher, link);

        if (!wants(watcher, cause))
            continue;
        if (has_to_wait(watcher) || tell_missed(api, watcher) < 0 ||
            api_call_send(watcher->call, &event->base) < 0)
            watcher->missed++;
    }
}

static void on_vm_event(const struct vm_event *event, void *userdata)
{
    struct api *api = userdata;
    struct event_message message;

    if (list_is_empty(&api->watchers) || vm_event_kind_name(event->kind, event->vm) == NULL)
        return;
    event_to_message(event, &message);
    publish(api, event, &message.message);
}

static void on_watcher_gone(struct api_call *call, void *userdata)
{
    struct watcher *watcher = userdata;

    list_remove(&watcher->link);
    free(watcher);
}

#define KINDS_MAX 64 /* of one request: more than there are */

/* -EINVAL. */
static int take_kinds(const Vmreclaim__Controller__V1__WatchEventsRequest *asked,
                      struct vm_event_kinds *ret_kinds, struct error *error)
{
    struct vm_event_kinds kinds = {0, 0};
    int r = 0;

    if (asked->n_kinds > KINDS_MAX)
        return error_set(error, -EINVAL, "name at most %d kinds of events", KINDS_MAX);
    for (size_t i = 0; i < asked->n_kinds && r == 0; i++)
        r = vm_event_kinds_add(&kinds, asked->kinds[i], error);
    if (asked->n_kinds == 0) {
        kinds = (struct vm_event_kinds){UINT32_MAX, UINT32_MAX};
        if (asked->without_samples)
            kinds.kinds &= ~(1u << VM_EVENT_SAMPLE);
    }
    if (r == 0)
        *ret_kinds = kinds;
    return r;
}

static void watch_events(struct api_call *call, const ProtobufCMessage *request)
{
    const Vmreclaim__Controller__V1__WatchEventsRequest *asked =
        (const Vmreclaim__Controller__V1__WatchEventsRequest *)request;
    struct api *api = call->api;
    const struct vm *vm = NULL;
    struct vm_event_kinds kinds;
    struct watcher *watcher;
    struct error error;
    int r = take_kinds(asked, &kinds, &error);

    if (r < 0) {
        api_call_fail_error(call, r, &error);
        return;
    }
    if (asked->vm[0] != '\0') {
        vm = api_find_vm(call, asked->vm);
        if (vm == NULL)
            return;
    }
    watcher = calloc(1, sizeof(*watcher));
    if (watcher == NULL) {
        api_call_fail(call, -ENOMEM, "out of memory");
        return;
    }
    watcher->call = call;
    watcher->kinds = kinds;
    if (vm != NULL)
        snprintf(watcher->vm, sizeof(watcher->vm), "%s", vm->name);
    list_append(&api->watchers, &watcher->link);
    api_call_on_gone(call, on_watcher_gone, watcher);
}

void api_events_init(struct api *api)
{
    list_init(&api->watchers);
    api->listener = (struct supervisor_listener){.on_event = on_vm_event, .userdata = api};
    supervisor_listen(api->rooms.supervisor, &api->listener);
}

static const struct api_method rows[] = {
    {"WatchEvents", watch_events, API_READS | API_STREAMS},
};

const struct api_methods api_event_methods = {rows, ARRAY_SIZE(rows)};
