/* Balloon leases for operators.
 *
 * Theory of operation: like other actions: the guest is sampled and the host measured, the lease is
 * taken or released, and when the guest has followed both are measured again, a second later. */
#include "controller/api/balloon_service.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/util.h"
#include "controller/leases/requests.h"
#include "controller/messages/text.h"
#include "controller/vms/drift.h"
#include "controller/vms/fresh_sample.h"
#include "controller/vms/hypervisor.h"

#define TICK       (250 * NSEC_PER_MSEC)
#define WAIT_MAX   (60 * NSEC_PER_SEC)
#define HOST_DELAY (1 * NSEC_PER_SEC) /* from the guest's page to the host's footprint */

enum wait_state {
    WAIT_BEFORE,    /* for a sample of the guest; nothing is asked of the hypervisor yet */
    WAIT_FOLLOWING, /* for the guest */
    WAIT_AFTER,     /* for a sample of the guest */
};

struct balloon_wait {
    struct list link;
    struct api_balloon_service *service;
    struct ttrpc_call *call; /* NULL: the operator went away */
    char id[ACTION_ID_SIZE];
    char vm[VM_NAME_SIZE];
    char asked_by[64];
    bool is_release;
    uint64_t size;     /* a lease's, as it was asked for */
    uint64_t lifetime; /* ... in ns */
    char owner[64];
    enum wait_state state;
    struct fresh_sample sample; /* before and after */
    const char *reason;         /* AFTER: why not more */
    nsec_t started;             /* CLOCK_BOOTTIME */
    int64_t started_time;
    uint64_t footprint_before;
    struct drift drift;
    nsec_t reached; /* CLOCK_BOOTTIME when the guest had followed; 0: not yet */
};

static struct vm *vm_of(const struct balloon_wait *wait)
{
    return registry_find_name(&wait->service->api->supervisor->registry, wait->vm);
}

static void end_wait(struct balloon_wait *wait)
{
    struct api_balloon_service *service = wait->service;

    fresh_sample_cancel(&wait->sample);
    list_remove(&wait->link);
    free(wait);
    if (list_is_empty(&service->waits))
        (void)uv_timer_stop(&service->timer);
}

/* ---- the end ---- */

static void fill_message(const struct balloon_wait *wait, const struct vm *vm,
                         Vmreclaim__Controller__V1__Action *action)
{
    vmreclaim__controller__v1__action__init(action);
    action->id = message_text(wait->id);
    action->vm = message_text(wait->vm);
    action->kind = message_text(wait->is_release ? "release" : "balloon");
    action->asked_by = message_text(wait->asked_by);
    action->started_ns = wait->started_time;
    action->duration_ns = time_boottime() - wait->started;
    action->footprint_before = wait->footprint_before;
    if (vm == NULL || vm->measured.host.time == 0)
        return;
    action->footprint_after = vm->measured.host.footprint;
    action->drift = drift_over(&wait->drift, action->duration_ns);
    action->host_returned =
        (int64_t)(wait->footprint_before - vm->measured.host.footprint) + action->drift;
}

/* The VM has just been measured; NULL: it went away. */
static void finish(struct balloon_wait *wait, struct vm *vm, const char *reason)
{
    Vmreclaim__Controller__V1__ActionResponse response =
        VMRECLAIM__CONTROLLER__V1__ACTION_RESPONSE__INIT;
    const struct api_action_recorder *recorder = wait->service->recorder;
    Vmreclaim__Controller__V1__Action action;

    fill_message(wait, vm, &action);
    action.reason = message_text(reason);
    action.finished = true;
    if (recorder != NULL)
        recorder->on_finished(vm, &action, recorder->userdata);
    response.action = &action;
    if (wait->call != NULL)
        ttrpc_call_finish(wait->call, &response.base);
    end_wait(wait);
}

static void on_sample_after(struct vm *vm, void *userdata)
{
    struct balloon_wait *wait = userdata;

    finish(wait, vm, wait->reason);
}

/* The guest's side of the record is of the same moment as the host's. */
static void sample_and_finish(struct balloon_wait *wait, struct vm *vm, const char *reason)
{
    wait->state = WAIT_AFTER;
    wait->reason = reason;
    if (fresh_sample_start(&wait->sample, vm, on_sample_after, wait) == 0)
        return;
    (void)vm_measure_exactly(vm);
    finish(wait, vm, reason);
}

/* ---- while the guest follows ---- */

/* Why the guest did not give all; that it did is no reason. */
static const char *reason_of(enum balloon_news news)
{
    switch (news) {
    case BALLOON_NO_NEWS:
    case BALLOON_NEWS_HELD:
    case BALLOON_NEWS_REACHED:
    case BALLOON_NEWS_RELEASED:
        return "";
    default:
        return balloon_news_text(news);
    }
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
    const struct api_action_recorder *recorder = wait->service->recorder;
    struct vm *vm = vm_of(wait);

    if (vm == NULL) {
        finish(wait, NULL, "the VM went away meanwhile");
        return;
    }
    if (recorder != NULL)
        recorder->on_progress(vm, wait->id, recorder->userdata);
    if (lease_balloon(vm) == NULL || is_reached(lease_balloon(vm))) {
        wait->reached = wait->reached == 0 ? now : wait->reached;
        if (now - wait->reached >= HOST_DELAY)
            sample_and_finish(wait, vm, reason_of(lease_news(vm)));
        return;
    }
    vm_read_balloon(vm);
    if (lease_balloon(vm)->stalled)
        sample_and_finish(wait, vm, balloon_news_text(BALLOON_NEWS_STALLED));
    else if (now - wait->started >= WAIT_MAX)
        sample_and_finish(wait, vm,
                          "the guest is still following; 'vmreclaim vm show' tells how far it is");
}

static void on_tick(uv_timer_t *timer)
{
    struct api_balloon_service *service = timer->data;
    nsec_t now = time_boottime();

    list_for_each_safe (link, following, &service->waits) {
        struct balloon_wait *wait = list_entry(link, struct balloon_wait, link);
        if (wait->state == WAIT_FOLLOWING)
            look(wait, now);
    }
}

/* ---- the beginning ---- */

static void refuse(struct balloon_wait *wait, int r, const struct error *error)
{
    if (wait->call != NULL)
        api_fail(wait->call, r, error);
    end_wait(wait);
}

/* The VM has just been measured: the action begins here. */
static void ask_hypervisor(struct balloon_wait *wait, struct vm *vm)
{
    struct api_balloon_service *service = wait->service;
    Vmreclaim__Controller__V1__Action action;
    struct error error;
    int r;

    wait->started = time_boottime();
    wait->started_time = time_realtime();
    wait->footprint_before = vm->measured.host.footprint;
    drift_begin(vm, &wait->drift);
    r = wait->is_release ? lease_keeper_release(service->keeper, vm, &error)
                         : lease_keeper_set(service->keeper, vm, wait->size, wait->lifetime,
                                            wait->owner, &error);
    if (r < 0) {
        refuse(wait, r, &error);
        return;
    }
    wait->state = WAIT_FOLLOWING;
    fill_message(wait, vm, &action);
    if (service->recorder != NULL)
        service->recorder->on_started(vm, &action, service->recorder->userdata);
    (void)uv_timer_start(&service->timer, on_tick, TICK / NSEC_PER_MSEC, TICK / NSEC_PER_MSEC);
}

static void on_sample_before(struct vm *vm, void *userdata)
{
    struct balloon_wait *wait = userdata;
    struct error error;

    if (vm == NULL)
        refuse(wait, error_set(&error, -ENOTCONN, "VM '%s' went away meanwhile", wait->vm), &error);
    else
        ask_hypervisor(wait, vm);
}

static void on_operator_gone(struct ttrpc_call *call, void *userdata)
{
    struct balloon_wait *wait = userdata;

    wait->call = NULL;
}

/* NULL after failing the call. */
static struct balloon_wait *wait_create(struct api_balloon_service *service,
                                        struct ttrpc_call *call, const struct vm *vm,
                                        const struct api_caller *caller)
{
    struct balloon_wait *wait = calloc(1, sizeof(*wait));

    if (wait == NULL) {
        ttrpc_call_fail(call, TTRPC_RESOURCE_EXHAUSTED, "out of memory");
        return NULL;
    }
    wait->service = service;
    wait->call = call;
    (void)snprintf(wait->id, sizeof(wait->id), "%s", caller->action);
    (void)snprintf(wait->vm, sizeof(wait->vm), "%s", vm->name);
    (void)snprintf(wait->asked_by, sizeof(wait->asked_by), "%s", caller->name);
    list_append(&service->waits, &wait->link);
    ttrpc_call_on_cancel(call, on_operator_gone, wait);
    return wait;
}

static void begin(struct balloon_wait *wait, struct vm *vm)
{
    if (fresh_sample_start(&wait->sample, vm, on_sample_before, wait) == 0)
        return;
    (void)vm_measure_exactly(vm);
    ask_hypervisor(wait, vm);
}

static void set_balloon(struct ttrpc_call *call, const ProtobufCMessage *request,
                        const struct api_caller *caller, void *userdata)
{
    const Vmreclaim__Controller__V1__SetBalloonRequest *asked =
        (const Vmreclaim__Controller__V1__SetBalloonRequest *)request;
    struct api_balloon_service *service = userdata;
    struct vm *vm = api_find_vm(service->api, call, asked->vm);
    struct balloon_wait *wait = vm == NULL ? NULL : wait_create(service, call, vm, caller);

    if (wait == NULL)
        return;
    wait->size = asked->size;
    wait->lifetime = asked->duration_ns;
    (void)snprintf(wait->owner, sizeof(wait->owner), "%s",
                   asked->owner[0] != '\0' ? asked->owner : caller->name);
    begin(wait, vm);
}

static void release_balloon(struct ttrpc_call *call, const ProtobufCMessage *request,
                            const struct api_caller *caller, void *userdata)
{
    const Vmreclaim__Controller__V1__ReleaseBalloonRequest *asked =
        (const Vmreclaim__Controller__V1__ReleaseBalloonRequest *)request;
    struct api_balloon_service *service = userdata;
    struct vm *vm = api_find_vm(service->api, call, asked->vm);
    struct balloon_wait *wait = vm == NULL ? NULL : wait_create(service, call, vm, caller);

    if (wait == NULL)
        return;
    wait->is_release = true;
    begin(wait, vm);
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

/* Nothing was asked of the hypervisor yet: there is nothing to record. */
static void stop(struct balloon_wait *wait)
{
    static const char why[] = "vmreclaimd is stopping";
    struct vm *vm = vm_of(wait);
    struct error error;

    if (wait->state == WAIT_BEFORE) {
        refuse(wait, error_set(&error, -ENOTCONN, "%s", why), &error);
        return;
    }
    if (vm != NULL)
        (void)vm_measure_exactly(vm);
    finish(wait, vm, why);
}

void api_balloon_service_stop(struct api_balloon_service *service)
{
    list_for_each_safe (link, following, &service->waits)
        stop(list_entry(link, struct balloon_wait, link));
    uv_close((uv_handle_t *)&service->timer, NULL);
}
