/* Operators' actions, measured on the host. */
#include "controller/api/actions.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/number.h"
#include "common/base/util.h"
#include "controller/messages/copy.h"
#include "controller/messages/text.h"
#include "controller/vms/announce.h"
#include "controller/vms/drift.h"
#include "controller/vms/fresh_sample.h"
#include "controller/vms/hypervisor.h"

#define TICK             (500 * NSEC_PER_MSEC)
#define SETTLE_QUIET     (5 * NSEC_PER_SEC)  /* two reporting passes without a fall */
#define SETTLE_MAX       (45 * NSEC_PER_SEC) /* the kernel reports a whole idle guest in 30 s */
#define SETTLE_NOISE     MIB
#define CALL_TIMEOUT     (60 * NSEC_PER_SEC)
#define CALL_TIMEOUT_MAX (3600 * NSEC_PER_SEC)

struct action;

/* What the kinds of actions do not share. */
struct api_action_kind {
    const char *name;
    const char *method;       /* of the operators' API */
    const char *agent_method; /* of the agent's */
    /* The VM that the operator names. */
    const char *(*vm)(const ProtobufCMessage *asked);
    /* Fills action->ask, and the time limit if there is one. */
    void (*fill)(const ProtobufCMessage *asked, struct action *action);
};

enum action_state {
    ACTION_RUNNING,  /* a sample before it, then the agent works */
    ACTION_SETTLING, /* the guest's kernel reports what was freed */
    ACTION_ENDING,   /* waits for the sample after it */
};

struct action {
    struct list link;
    struct api_actions *actions;
    char id[ACTION_ID_SIZE];
    char vm[VM_NAME_SIZE];
    const struct api_action_kind *kind;
    char asked_by[64];
    union {
        ProtobufCMessage base;
        Vmreclaim__Agent__V1__CompactRequest compact;
        Vmreclaim__Agent__V1__ReclaimCacheRequest reclaim;
        Vmreclaim__Agent__V1__SetReportingRequest reporting;
    } ask;
    nsec_t time_limit;       /* asked for; 0: none */
    struct ttrpc_call *call; /* NULL: the operator went away */
    struct ttrpc_client_call *client;
    struct fresh_sample sample; /* before and after */
    nsec_t started;             /* CLOCK_BOOTTIME */
    int64_t started_time;       /* UNIX */
    uint64_t footprint_before;
    struct drift drift;
    enum action_state state;
    uint64_t lowest;  /* footprint while settling */
    nsec_t last_fall; /* CLOCK_BOOTTIME */
    nsec_t settle_end;
    Vmreclaim__Agent__V1__ActionResult *guest; /* a copy of the agent's answer */
};

static const ProtobufCServiceDescriptor *const agent_service =
    &vmreclaim__agent__v1__agent__descriptor;

static struct vm *vm_of(const struct action *action)
{
    return registry_find_name(&action->actions->api->supervisor->registry, action->vm);
}

static void action_destroy(struct action *action)
{
    struct api_actions *actions = action->actions;
    struct vm *vm = vm_of(action);

    if (vm != NULL && vm->action == action)
        vm->action = NULL;
    if (action->client != NULL)
        ttrpc_client_call_cancel(action->client);
    fresh_sample_cancel(&action->sample);
    if (action->guest != NULL)
        message_free(&action->guest->base);
    list_remove(&action->link);
    free(action);
    if (list_is_empty(&actions->running))
        (void)uv_timer_stop(&actions->timer);
}

/* ---- the end ---- */

static void fill_message(const struct action *action, const struct vm *vm,
                         Vmreclaim__Controller__V1__Action *message)
{
    nsec_t duration = time_boottime() - action->started;

    vmreclaim__controller__v1__action__init(message);
    message->id = message_text(action->id);
    message->vm = message_text(action->vm);
    message->kind = message_text(action->kind->name);
    message->asked_by = message_text(action->asked_by);
    message->started_ns = action->started_time;
    message->duration_ns = duration;
    message->guest = action->guest;
    message->footprint_before = action->footprint_before;
    if (vm == NULL || vm->measured.host.time == 0)
        return;
    message->footprint_after = vm->measured.host.footprint;
    message->drift = drift_over(&action->drift, duration);
    message->host_returned =
        (int64_t)(action->footprint_before - vm->measured.host.footprint) + message->drift;
}

static void publish(struct api *api, Vmreclaim__Controller__V1__Action *message)
{
    Vmreclaim__Controller__V1__Event event = VMRECLAIM__CONTROLLER__V1__EVENT__INIT;
    char text[128];

    (void)snprintf(text, sizeof(text), "%s %s: host got back %" PRId64 " bytes", message->kind,
                   message->id, message->host_returned);
    event.vm = message->vm;
    event.kind = message_text("action");
    event.text = text;
    event.action = message;
    api_publish(api, &event);
}

static void finish(struct action *action, struct vm *vm)
{
    Vmreclaim__Controller__V1__ActionResponse response =
        VMRECLAIM__CONTROLLER__V1__ACTION_RESPONSE__INIT;
    const struct api_action_recorder *recorder = action->actions->recorder;
    Vmreclaim__Controller__V1__Action message;

    fill_message(action, vm, &message);
    message.finished = true;
    if (recorder != NULL)
        recorder->on_finished(vm, &message, recorder->userdata);
    publish(action->actions->api, &message);
    response.action = &message;
    if (action->call != NULL)
        ttrpc_call_finish(action->call, &response.base);
    action_destroy(action);
}

static void on_sample_after(struct vm *vm, void *userdata)
{
    finish(userdata, vm);
}

/* The guest's side of the record is of the same moment as the host's. */
static void sample_and_finish(struct action *action, struct vm *vm)
{
    action->state = ACTION_ENDING;
    if (vm != NULL && fresh_sample_start(&action->sample, vm, on_sample_after, action) == 0)
        return;
    if (vm != NULL)
        (void)vm_measure_exactly(vm);
    finish(action, vm);
}

/* ---- settling ---- */

static void watch_footprint(struct action *action, struct vm *vm, nsec_t now)
{
    if (vm_measure(vm) < 0) {
        sample_and_finish(action, vm);
        return;
    }
    if (vm->measured.host.footprint + SETTLE_NOISE <= action->lowest) {
        action->lowest = vm->measured.host.footprint;
        action->last_fall = now;
    }
    if (now - action->last_fall >= SETTLE_QUIET || now >= action->settle_end)
        sample_and_finish(action, vm);
}

static void on_tick(uv_timer_t *timer)
{
    struct api_actions *actions = timer->data;
    nsec_t now = time_boottime();

    list_for_each_safe (link, following, &actions->running) {
        struct action *action = list_entry(link, struct action, link);
        struct vm *vm = vm_of(action);

        if (vm != NULL && actions->recorder != NULL)
            actions->recorder->on_progress(vm, action->id, actions->recorder->userdata);
        if (action->state != ACTION_SETTLING)
            continue;
        if (vm == NULL)
            finish(action, NULL);
        else
            watch_footprint(action, vm, now);
    }
}

/* Whether the guest has done something that its kernel may still be reporting. */
static bool may_return_memory(const Vmreclaim__Agent__V1__ActionResult *result)
{
    return result->outcome != VMRECLAIM__AGENT__V1__OUTCOME__OUTCOME_NOTHING_TO_DO &&
           result->outcome != VMRECLAIM__AGENT__V1__OUTCOME__OUTCOME_NOT_SUPPORTED &&
           result->outcome != VMRECLAIM__AGENT__V1__OUTCOME__OUTCOME_FORBIDDEN_BY_POLICY;
}

static void settle(struct action *action)
{
    action->state = ACTION_SETTLING;
    action->lowest = action->footprint_before;
    action->last_fall = time_boottime();
    action->settle_end = action->last_fall + SETTLE_MAX;
}

/* ---- the agent's answer ---- */

/* The one field that all answers to actions have. */
static const Vmreclaim__Agent__V1__ActionResult *result_of(const ProtobufCMessage *response)
{
    if (response->descriptor == &vmreclaim__agent__v1__compact_response__descriptor)
        return ((const Vmreclaim__Agent__V1__CompactResponse *)response)->result;
    if (response->descriptor == &vmreclaim__agent__v1__reclaim_cache_response__descriptor)
        return ((const Vmreclaim__Agent__V1__ReclaimCacheResponse *)response)->result;
    return ((const Vmreclaim__Agent__V1__SetReportingResponse *)response)->result;
}

static void fail(struct action *action, enum ttrpc_code code, const char *message)
{
    const struct api_action_recorder *recorder = action->actions->recorder;
    struct vm *vm = vm_of(action);
    Vmreclaim__Controller__V1__Action record;

    fill_message(action, vm, &record);
    record.reason = message_text(message);
    if (recorder != NULL)
        recorder->on_finished(vm, &record, recorder->userdata);
    if (action->call != NULL)
        ttrpc_call_fail(action->call, code, "%s of VM '%s' (action %s): %s", action->kind->name,
                        action->vm, action->id, message);
    action_destroy(action);
}

static void on_result(const struct ttrpc_result *result, void *userdata)
{
    struct action *action = userdata;
    const Vmreclaim__Agent__V1__ActionResult *guest;

    action->client = NULL;
    if (result->code != TTRPC_OK) {
        char text[384];
        (void)snprintf(text, sizeof(text), "the agent answered: %.320s", result->message);
        fail(action, result->code, text);
        return;
    }
    guest = result_of(result->response);
    if (guest != NULL)
        action->guest = (Vmreclaim__Agent__V1__ActionResult *)message_copy(&guest->base);
    if (action->guest == NULL) {
        fail(action, TTRPC_INTERNAL, "the agent answered without a result");
        return;
    }
    if (may_return_memory(action->guest))
        settle(action);
    else
        sample_and_finish(action, vm_of(action));
}

static void on_operator_gone(struct ttrpc_call *call, void *userdata)
{
    struct action *action = userdata;

    action->call = NULL;
}

/* ---- the beginning ---- */

/* The VM has just been measured: the action begins here. */
static void ask_agent(struct action *action, struct vm *vm)
{
    const struct api_action_recorder *recorder = action->actions->recorder;
    nsec_t timeout = CALL_TIMEOUT + min_of(action->time_limit, CALL_TIMEOUT_MAX);
    Vmreclaim__Controller__V1__Action message;

    action->started = time_boottime();
    action->started_time = time_realtime();
    action->footprint_before = vm->measured.host.footprint;
    drift_begin(vm, &action->drift);
    fill_message(action, vm, &message);
    if (recorder != NULL)
        recorder->on_started(vm, &message, recorder->userdata);
    if (vm->links.agent == NULL ||
        ttrpc_call_unary(agent_link_connection(vm->links.agent), agent_service,
                         action->kind->agent_method, &action->ask.base, timeout, on_result, action,
                         &action->client) < 0)
        fail(action, TTRPC_UNAVAILABLE, "the agent cannot be asked");
}

static void on_sample_before(struct vm *vm, void *userdata)
{
    struct action *action = userdata;

    if (vm == NULL)
        fail(action, TTRPC_UNAVAILABLE, "the VM went away meanwhile");
    else
        ask_agent(action, vm);
}

static struct action *action_create(struct api_actions *actions, struct vm *vm,
                                    const struct api_action_kind *kind,
                                    const struct api_caller *caller)
{
    struct action *action = calloc(1, sizeof(*action));

    if (action == NULL)
        return NULL;
    action->actions = actions;
    action->kind = kind;
    action->started = time_boottime();
    action->started_time = time_realtime();
    (void)snprintf(action->id, sizeof(action->id), "%s", caller->action);
    (void)snprintf(action->vm, sizeof(action->vm), "%s", vm->name);
    (void)snprintf(action->asked_by, sizeof(action->asked_by), "%s", caller->name);
    list_append(&actions->running, &action->link);
    return action;
}

/* The VM that an action may be done to, or NULL after failing the call. */
static struct vm *find_actable(const struct api_actions *actions, struct ttrpc_call *call,
                               const char *name)
{
    struct vm *vm = api_find_vm(actions->api, call, name);
    struct error error;
    int r;

    if (vm == NULL)
        return NULL;
    r = vm_may_command(vm, &error);
    if (r == 0 && vm->action != NULL)
        r = error_set(&error, -EBUSY, "action %s is still running on VM '%s'", vm->action->id,
                      vm->name);
    if (r == 0)
        return vm;
    api_fail(call, r, &error);
    return NULL;
}

/* All methods begin here. */
static void act(struct ttrpc_call *call, const ProtobufCMessage *asked,
                const struct api_caller *caller, void *userdata)
{
    const struct api_action_entry *entry = userdata;
    struct api_actions *actions = entry->actions;
    struct vm *vm = find_actable(actions, call, entry->kind->vm(asked));
    struct action *action;

    if (vm == NULL)
        return;
    action = action_create(actions, vm, entry->kind, caller);
    if (action == NULL) {
        ttrpc_call_fail(call, TTRPC_RESOURCE_EXHAUSTED, "out of memory");
        return;
    }
    entry->kind->fill(asked, action);
    vm->action = action;
    action->call = call;
    ttrpc_call_on_cancel(call, on_operator_gone, action);
    actions->count++;
    (void)uv_timer_start(&actions->timer, on_tick, TICK / NSEC_PER_MSEC, TICK / NSEC_PER_MSEC);
    if (fresh_sample_start(&action->sample, vm, on_sample_before, action) == 0)
        return;
    (void)vm_measure_exactly(vm);
    ask_agent(action, vm);
}

/* ---- the kinds ---- */

static const char *compact_vm(const ProtobufCMessage *asked)
{
    return ((const Vmreclaim__Controller__V1__CompactVmRequest *)asked)->vm;
}

static void fill_compact(const ProtobufCMessage *message, struct action *action)
{
    const Vmreclaim__Controller__V1__CompactVmRequest *asked = (const void *)message;
    Vmreclaim__Agent__V1__CompactRequest *ask = &action->ask.compact;

    vmreclaim__agent__v1__compact_request__init(ask);
    ask->action_id = action->id;
    ask->asked_by = action->asked_by;
    ask->time_limit_ns = asked->time_limit_ns;
    ask->force = asked->force;
    action->time_limit = asked->time_limit_ns;
}

static const char *reclaim_vm(const ProtobufCMessage *asked)
{
    return ((const Vmreclaim__Controller__V1__ReclaimVmRequest *)asked)->vm;
}

static void fill_reclaim(const ProtobufCMessage *message, struct action *action)
{
    const Vmreclaim__Controller__V1__ReclaimVmRequest *asked = (const void *)message;
    Vmreclaim__Agent__V1__ReclaimCacheRequest *ask = &action->ask.reclaim;

    vmreclaim__agent__v1__reclaim_cache_request__init(ask);
    ask->action_id = action->id;
    ask->asked_by = action->asked_by;
    ask->bytes = asked->bytes;
    ask->drop = asked->drop;
}

static const char *reporting_vm(const ProtobufCMessage *asked)
{
    return ((const Vmreclaim__Controller__V1__SetReportingVmRequest *)asked)->vm;
}

static void fill_reporting(const ProtobufCMessage *message, struct action *action)
{
    const Vmreclaim__Controller__V1__SetReportingVmRequest *asked = (const void *)message;
    Vmreclaim__Agent__V1__SetReportingRequest *ask = &action->ask.reporting;

    vmreclaim__agent__v1__set_reporting_request__init(ask);
    ask->action_id = action->id;
    ask->asked_by = action->asked_by;
    ask->set_order = asked->set_order;
    ask->order = asked->order;
    ask->restore = asked->restore;
    ask->kick = asked->kick;
}

static const struct api_action_kind kinds[API_ACTION_KINDS] = {
    {"compact", "Compact", "Compact", compact_vm, fill_compact},
    {"reclaim", "Reclaim", "ReclaimCache", reclaim_vm, fill_reclaim},
    {"reporting", "SetReporting", "SetReporting", reporting_vm, fill_reporting},
};

int api_actions_init(struct api_actions *actions, struct api *api,
                     const struct api_action_recorder *recorder)
{
    int r;

    *actions = (struct api_actions){.api = api, .recorder = recorder};
    list_init(&actions->running);
    r = uv_timer_init(api->supervisor->loop, &actions->timer);
    if (r < 0)
        return r;
    actions->timer.data = actions;
    for (size_t i = 0; i < API_ACTION_KINDS; i++) {
        actions->entries[i] = (struct api_action_entry){actions, &kinds[i]};
        api_serve(api, kinds[i].method, act, &actions->entries[i]);
    }
    return 0;
}

void api_actions_stop(struct api_actions *actions)
{
    list_for_each_safe (link, following, &actions->running)
        fail(list_entry(link, struct action, link), TTRPC_CANCELLED, "vmreclaimd is stopping");
    uv_close((uv_handle_t *)&actions->timer, NULL);
}
