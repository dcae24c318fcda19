/* Balloon leases for operators. */
#include "controller/api/balloon_service.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/util.h"
#include "controller/vms/drift.h"

#define TICK       (250 * NSEC_PER_MSEC)
#define WAIT_MAX   (60 * NSEC_PER_SEC)
#define HOST_DELAY (1 * NSEC_PER_SEC) /* from the guest's page to the host's footprint */

struct balloon_wait {
    struct list link;
    struct api_balloon_service *service;
    struct ttrpc_call *call; /* NULL: the operator went away */
    char id[ACTION_ID_SIZE];
    char vm[VM_NAME_SIZE];
    const char *kind;
    char asked_by[64];
    nsec_t started; /* CLOCK_BOOTTIME */
    int64_t started_time;
    uint64_t footprint_before;
    struct drift drift;
    nsec_t reached; /* CLOCK_BOOTTIME when the guest had followed; 0: not yet */
};

static void end_wait(struct balloon_wait *wait)
{
    struct api_balloon_service *service = wait->service;

    list_remove(&wait->link);
    free(wait);
    if (list_is_empty(&service->waits))
        (void)uv_timer_stop(&service->timer);
}

static void finish(struct balloon_wait *wait, struct vm *vm, const char *reason)
{
    Vmreclaim__Controller__V1__ActionResponse response =
        VMRECLAIM__CONTROLLER__V1__ACTION_RESPONSE__INIT;
    const struct api_action_recorder *recorder = wait->service->recorder;
    Vmreclaim__Controller__V1__Action action = VMRECLAIM__CONTROLLER__V1__ACTION__INIT;

    action.id = wait->id;
    action.vm = wait->vm;
    action.kind = api_text(wait->kind);
    action.asked_by = wait->asked_by;
    action.started_ns = wait->started_time;
    action.duration_ns = time_boottime() - wait->started;
    action.footprint_before = wait->footprint_before;
    action.reason = api_text(reason);
    action.finished = true;
    if (vm != NULL && supervisor_measure_exactly(wait->service->api->supervisor, vm) == 0) {
        action.footprint_after = vm->host.footprint;
        action.drift = drift_over(&wait->drift, action.duration_ns);
        action.host_returned =
            (int64_t)(wait->footprint_before - vm->host.footprint) + action.drift;
    }
    if (recorder != NULL)
        recorder->on_finished(vm, &action, recorder->userdata);
    response.action = &action;
    if (wait->call != NULL)
        ttrpc_call_finish(wait->call, &response.base);
    end_wait(wait);
}

static bool is_reached(const struct balloon_control *control)
{
    uint64_t distance = control->actual > control->target ? control->actual - control->target
                                                          : control->target - control->actual;

    return distance <= BALLOON_SLACK && !control->telling &&
           control->target == balloon_wanted(control);
}

static void look(struct balloon_wait *wait, nsec_t now)
{
    struct vm *vm = registry_find_name(&wait->service->api->supervisor->registry, wait->vm);

    if (vm == NULL) {
        finish(wait, NULL, "the VM went away meanwhile");
        return;
    }
    if (vm->balloon == NULL || is_reached(vm->balloon)) {
        wait->reached = wait->reached == 0 ? now : wait->reached;
        if (now - wait->reached >= HOST_DELAY)
            finish(wait, vm, balloon_news_text((enum balloon_news)vm->balloon_news));
        return;
    }
    supervisor_read_balloon(vm);
    if (vm->balloon->stalled)
        finish(wait, vm, balloon_news_text(BALLOON_NEWS_STALLED));
    else if (now - wait->started >= WAIT_MAX)
        finish(wait, vm, "the guest is still following; 'vmreclaim vm show' tells how far it is");
}

static void on_tick(uv_timer_t *timer)
{
    struct api_balloon_service *service = timer->data;
    nsec_t now = time_boottime();

    list_for_each_safe (link, following, &service->waits)
        look(list_entry(link, struct balloon_wait, link), now);
}

static void on_operator_gone(struct ttrpc_call *call, void *userdata)
{
    struct balloon_wait *wait = userdata;

    (void)call;
    wait->call = NULL;
}

static struct balloon_wait *wait_create(struct api_balloon_service *service, struct vm *vm,
                                        const char *kind, const struct api_caller *caller)
{
    struct balloon_wait *wait = calloc(1, sizeof(*wait));

    if (wait == NULL)
        return NULL;
    wait->service = service;
    wait->kind = kind;
    wait->started = time_boottime();
    wait->started_time = time_realtime();
    (void)snprintf(wait->id, sizeof(wait->id), "%s", caller->action);
    (void)snprintf(wait->vm, sizeof(wait->vm), "%s", vm->name);
    (void)snprintf(wait->asked_by, sizeof(wait->asked_by), "%s", caller->name);
    (void)supervisor_measure_exactly(service->api->supervisor, vm);
    wait->footprint_before = vm->host.footprint;
    drift_begin(vm, &wait->drift);
    return wait;
}

/* Takes `wait` over: `r` and `error` are how the request went. */
static void begin(struct balloon_wait *wait, struct ttrpc_call *call, int r,
                  const struct error *error)
{
    struct api_balloon_service *service = wait->service;

    if (r < 0) {
        api_fail(call, r, error);
        free(wait);
        return;
    }
    wait->call = call;
    ttrpc_call_on_cancel(call, on_operator_gone, wait);
    list_append(&service->waits, &wait->link);
    (void)uv_timer_start(&service->timer, on_tick, TICK / NSEC_PER_MSEC, TICK / NSEC_PER_MSEC);
}

static void set_balloon(struct ttrpc_call *call, const ProtobufCMessage *request,
                        const struct api_caller *caller, void *userdata)
{
    const Vmreclaim__Controller__V1__SetBalloonRequest *asked =
        (const Vmreclaim__Controller__V1__SetBalloonRequest *)request;
    struct api_balloon_service *service = userdata;
    struct vm *vm = api_find_vm(service->api, call, asked->vm);
    struct balloon_wait *wait;
    struct error error;
    int r;

    if (vm == NULL)
        return;
    wait = wait_create(service, vm, "balloon", caller);
    if (wait == NULL) {
        ttrpc_call_fail(call, TTRPC_RESOURCE_EXHAUSTED, "out of memory");
        return;
    }
    r = lease_keeper_set(service->keeper, vm, asked->size, asked->duration_ns,
                         asked->owner[0] != '\0' ? asked->owner : caller->name, &error);
    begin(wait, call, r, &error);
}

static void release_balloon(struct ttrpc_call *call, const ProtobufCMessage *request,
                            const struct api_caller *caller, void *userdata)
{
    const Vmreclaim__Controller__V1__ReleaseBalloonRequest *asked =
        (const Vmreclaim__Controller__V1__ReleaseBalloonRequest *)request;
    struct api_balloon_service *service = userdata;
    struct vm *vm = api_find_vm(service->api, call, asked->vm);
    struct balloon_wait *wait;
    struct error error;
    int r;

    if (vm == NULL)
        return;
    wait = wait_create(service, vm, "release", caller);
    if (wait == NULL) {
        ttrpc_call_fail(call, TTRPC_RESOURCE_EXHAUSTED, "out of memory");
        return;
    }
    r = lease_keeper_release(service->keeper, vm, &error);
    begin(wait, call, r, &error);
}

int api_balloon_service_init(struct api_balloon_service *service, struct api *api,
                             struct lease_keeper *keeper,
                             const struct api_action_recorder *recorder)
{
    int r;

    *service = (struct api_balloon_service){.api = api, .keeper = keeper, .recorder = recorder};
    list_init(&service->waits);
    r = uv_timer_init(api->supervisor->loop, &service->timer);
    if (r < 0)
        return r;
    service->timer.data = service;
    api_serve(api, "SetBalloon", set_balloon, service);
    api_serve(api, "ReleaseBalloon", release_balloon, service);
    return 0;
}

void api_balloon_service_stop(struct api_balloon_service *service)
{
    list_for_each_safe (link, following, &service->waits)
        finish(list_entry(link, struct balloon_wait, link), NULL, "vmreclaimd is stopping");
    uv_close((uv_handle_t *)&service->timer, NULL);
}
