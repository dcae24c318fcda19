/* The event stream. A watcher that does not keep up is skipped; once it reads again it gets one
 * "warning" that says how many events it missed. */
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
    struct ttrpc_call *call;
    char vm[VM_NAME_SIZE]; /* empty: all */
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
    (void)snprintf(text, sizeof(text), "%" PRIu64 " events were not sent: the reader was too slow",
                   watcher->missed);
    event.sequence = api->event_sequence;
    event.time_ns = time_realtime();
    event.kind = message_text("warning");
    event.text = text;
    r = ttrpc_call_send(watcher->call, &event.base);
    if (r == 0)
        watcher->missed = 0;
    return r;
}

void api_publish(struct api *api, Vmreclaim__Controller__V1__Event *event)
{
    event->sequence = ++api->event_sequence;
    event->time_ns = time_realtime();
    list_for_each_safe (link, following, &api->watchers) {
        struct watcher *watcher = list_entry(link, struct watcher, link);

        if (watcher->vm[0] != '\0' && strcmp(watcher->vm, event->vm) != 0)
            continue;
        if (tell_missed(api, watcher) < 0 || ttrpc_call_send(watcher->call, &event->base) < 0)
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
    api_publish(api, &message.message);
}

static void on_watcher_gone(struct ttrpc_call *call, void *userdata)
{
    struct watcher *watcher = userdata;

    list_remove(&watcher->link);
    free(watcher);
}

static void watch_events(struct ttrpc_call *call, const ProtobufCMessage *request,
                         const struct api_caller *caller, void *userdata)
{
    const Vmreclaim__Controller__V1__WatchEventsRequest *asked =
        (const Vmreclaim__Controller__V1__WatchEventsRequest *)request;
    struct api *api = userdata;
    const struct vm *vm = NULL;
    struct watcher *watcher;

    if (asked->vm[0] != '\0') {
        vm = api_find_vm(api, call, asked->vm);
        if (vm == NULL)
            return;
    }
    watcher = calloc(1, sizeof(*watcher));
    if (watcher == NULL) {
        ttrpc_call_fail(call, TTRPC_RESOURCE_EXHAUSTED, "out of memory");
        return;
    }
    watcher->call = call;
    if (vm != NULL)
        (void)snprintf(watcher->vm, sizeof(watcher->vm), "%s", vm->name);
    list_append(&api->watchers, &watcher->link);
    ttrpc_call_on_cancel(call, on_watcher_gone, watcher);
}

void api_events_init(struct api *api)
{
    list_init(&api->watchers);
    api->listener = (struct supervisor_listener){.on_event = on_vm_event, .userdata = api};
    supervisor_listen(api->supervisor, &api->listener);
    api_serve(api, "WatchEvents", watch_events, api);
}
