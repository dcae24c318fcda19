/* Takes what agents say. */
#include "controller/vms/agent.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/number.h"
#include "common/base/text.h"
#include "controller/guests/action-result.h"
#include "controller/vms/hypervisor.h"
#include "controller/vms/life.h"
#include "controller/vms/measured.h"

#define INFO_BYTES_MAX 8192
#define CLOCK_SLACK    (1 * NSEC_PER_SEC) /* samples overtake each other by less */

/* ---- who is there ---- */

void agent_begin(struct vm *vm, const char *boot_id)
{
    vm->agent.beside_ours = (struct guest_clock){0};
    snprintf(vm->agent.info.boot_id, sizeof(vm->agent.info.boot_id), "%s", boot_id);
}

void agent_end(struct vm *vm)
{
    vm->agent.engine_state[0] = '\0';
    vm->agent.engine_reason[0] = '\0';
}

bool agent_note(struct vm *vm, const char *text)
{
    char reason[sizeof(vm->agent.engine_reason)];

    text_copy_line(reason, sizeof(reason), text);
    if (strcmp(vm->agent.engine_reason, reason) == 0)
        return false;
    memcpy(vm->agent.engine_reason, reason, sizeof(reason));
    return true;
}

void agent_adopt(struct vm *vm, struct vm *other)
{
    assert(vm != other);
    free(vm->agent.info.packed);
    vm->agent.info = other->agent.info;
    other->agent.info = (struct agent_info){0};
    vm->agent.beside_ours = other->agent.beside_ours;
    snprintf(vm->agent.boot_id, sizeof(vm->agent.boot_id), "%s", other->agent.boot_id);
}

static void keep_packed(struct agent_info *info,
                        const Vmreclaim__Agent__V1__GetInfoResponse *message)
{
    size_t length = protobuf_c_message_get_packed_size(&message->base);

    free(info->packed);
    info->packed_length = 0;
    info->packed = length == 0 || length > INFO_BYTES_MAX ? NULL : malloc(length);
    if (info->packed != NULL)
        info->packed_length = protobuf_c_message_pack(&message->base, info->packed);
    assert(info->packed == NULL ? info->packed_length == 0 : info->packed_length == length);
}

static bool lacks_reporting(const Vmreclaim__Agent__V1__GetInfoResponse *message)
{
    for (size_t i = 0; i < message->n_features; i++)
        if (strcmp(message->features[i]->name, "free-page-reporting") == 0)
            return !message->features[i]->available;
    return false;
}

static void keep_info(struct vm *vm, const Vmreclaim__Agent__V1__GetInfoResponse *message)
{
    struct agent_info *info = &vm->agent.info;

    text_copy_line(info->version, sizeof(info->version), message->agent_version);
    text_copy_line(info->boot_id, sizeof(info->boot_id), message->boot_id);
    text_copy_line(info->kernel_release, sizeof(info->kernel_release), message->kernel_release);
    info->page_size = message->page_size;
    info->pageblock_order = message->pageblock_order;
    info->reporting_order = message->reporting_order;
    info->cpu_count = message->cpu_count;
    info->lacks_reporting = lacks_reporting(message);
    keep_packed(info, message);
}

void agent_take_info(struct vm *vm, const Vmreclaim__Agent__V1__GetInfoResponse *info)
{
    char before[sizeof(vm->agent.boot_id)];

    assert(vm->links.agent != NULL && !vm->life.removed);
    snprintf(before, sizeof(before), "%s", vm->agent.boot_id);
    keep_info(vm, info);
    snprintf(vm->agent.boot_id, sizeof(vm->agent.boot_id), "%s", vm->agent.info.boot_id);
    if (before[0] != '\0' && strcmp(before, vm->agent.boot_id) != 0)
        vm_hypervisor_booted(vm, "the guest has booted again");
    supervisor_emit(vm->supervisor,
                    &(struct vm_event){.vm = vm, .kind = VM_EVENT_INFO, .text = "", .info = info});
    vm_update_state(vm);
}

/* ---- samples ---- */

/* A guest's clock goes back only when the whole guest does, or when it lies. Before its agent has
 * said which boot this is, nothing can be said. */
static void watch_clock(struct vm *vm)
{
    nsec_t clock = vm->measured.guest.boottime_ns;
    nsec_t seen = vm->agent.clock_seen;
    bool went_back = clock < vm->agent.clock && vm->agent.clock - clock > CLOCK_SLACK;

    if (vm->agent.info.boot_id[0] == '\0')
        return;
    vm->agent.clock_seen = time_boottime();
    if (went_back || clock > vm->agent.clock)
        vm->agent.clock = clock;
    assert(clock <= vm->agent.clock && seen <= vm->agent.clock_seen);
    if (!went_back)
        return;
    vm->agent.beside_ours = (struct guest_clock){0};
    vm_hypervisor_went_back(vm, seen);
}

/* Its memory was plugged and the hypervisor not asked since: that is no lie yet. */
static bool outgrew_facts(struct vm *vm, const Vmreclaim__Agent__V1__MemorySample *sample)
{
    uint64_t ram = vm->hypervisor.facts.ram;

    return vm->announced && ram != 0 && sample->total > ram && vm_hypervisor_refresh(vm);
}

int vm_take_sample(struct vm *vm, const Vmreclaim__Agent__V1__MemorySample *sample, nsec_t latency)
{
    int r;

    if (outgrew_facts(vm, sample))
        return 0;
    r = measured_take_guest(vm, sample, latency);
    if (r < 0)
        return r;
    watch_clock(vm);
    if (vm_measure(vm) == 0)
        measured_note_boot(vm);
    else if (!vm->life.removed)
        measured_join(vm, time_boottime());
    return 0;
}

int agent_take_sample(struct vm *vm, const Vmreclaim__Agent__V1__MemorySample *sample)
{
    return vm_take_sample(
        vm, sample, guest_clock_take(&vm->agent.beside_ours, time_boottime(), sample->boottime_ns));
}

int agent_failure(const struct vm *vm, const struct ttrpc_result *result, struct error *error)
{
    const char *version = vm->agent.info.version;

    if (result->is_lost)
        return error_set(error, -ENOTCONN, "the connection to the agent of VM '%s' ended: %s",
                         vm->name, result->message);
    switch (result->code) {
    case TTRPC_UNIMPLEMENTED:
        return error_set(error, -EOPNOTSUPP,
                         "the agent of VM '%s' is older than this daemon and does not know the "
                         "call: it is version %s; install " VMRECLAIM_VERSION " in the guest",
                         vm->name, version[0] != '\0' ? version : "unknown");
    case TTRPC_DEADLINE_EXCEEDED:
        return error_set(error, -ETIMEDOUT, "the agent of VM '%s' did not answer in time",
                         vm->name);
    default:
        return error_set(
            error, ttrpc_code_to_errno(result->code), "the agent of VM '%s' answered: %s", vm->name,
            result->message[0] != '\0' ? result->message : ttrpc_code_name(result->code));
    }
}

void agent_on_event(const struct vm_event *event)
{
    struct vm *vm = event->vm;

    if (event->kind == VM_EVENT_RESET)
        vm->agent.clock = 0;
    /* Its clock stands. */
    if (event->kind == VM_EVENT_STATE && vm->life.state == VM_PAUSED)
        vm->agent.beside_ours = (struct guest_clock){0};
}

/* ---- what it says unasked ---- */

static bool may_pass(struct vm *vm)
{
    unsigned suppressed;

    return log_limit_pass(&vm->agent.events, time_boottime(), &suppressed);
}

/* Idle work acts once a second while there is much to take, a trickle six times a minute. The first
 * is recorded whole, the second by samples. A guest that lies costs 2,880 records a day. */
static bool may_record(struct vm *vm, nsec_t now)
{
    unsigned suppressed;

    return log_limit_pass(&vm->agent.actions, now, &suppressed) ||
           log_limit_pass(&vm->agent.actions_beyond, now, &suppressed);
}

void agent_take_pressure(struct vm *vm, const Vmreclaim__Agent__V1__PressureEvent *pressure)
{
    char text[128];

    if (!may_pass(vm))
        return;
    snprintf(text, sizeof(text),
             "memory pressure: some %" PRIu32 ".%02" PRIu32 " %%, %s available%s",
             pressure->memory_some_permyriad / 100, pressure->memory_some_permyriad % 100,
             BYTES_TEXT(pressure->available), pressure->oom_kill ? ", a process was killed" : "");
    supervisor_emit(vm->supervisor,
                    &(struct vm_event){
                        .vm = vm, .kind = VM_EVENT_PRESSURE, .text = text, .pressure = pressure});
}

void agent_take_action(struct vm *vm, const Vmreclaim__Agent__V1__ActionResult *action)
{
    struct bounded_result result;

    if (!may_pass(vm) || !may_record(vm, time_boottime()))
        return;
    bounded_result_take(action, &result);
    supervisor_emit(vm->supervisor, &(struct vm_event){.vm = vm,
                                                       .kind = VM_EVENT_GUEST_ACTION,
                                                       .text = result.reason,
                                                       .guest_action = &result.message});
}

void agent_take_engine(struct vm *vm, const Vmreclaim__Agent__V1__EngineState *engine)
{
    struct vm_agent *agent = &vm->agent;
    char text[192];

    if (!may_pass(vm))
        return;
    text_copy_line(agent->engine_state, sizeof(agent->engine_state), engine->state);
    text_copy_line(agent->engine_reason, sizeof(agent->engine_reason), engine->reason);
    text_format(text, sizeof(text), "%s: %s", agent->engine_state, agent->engine_reason);
    vm_emit(vm, VM_EVENT_ENGINE, text);
}
