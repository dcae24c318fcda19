/* Actions as messages. */
#include "controller/messages/action.h"

#include "common/base/number.h"
#include "common/base/time.h"
#include "common/base/util.h"
#include "controller/messages/text.h"
#include "controller/vms/supervisor.h"

const char *guest_action_kind_name(Vmreclaim__Agent__V1__ActionKind kind)
{
    switch (kind) {
    case VMRECLAIM__AGENT__V1__ACTION_KIND__ACTION_KIND_RECLAIM_CACHE:
        return "reclaim";
    case VMRECLAIM__AGENT__V1__ACTION_KIND__ACTION_KIND_COMPACT:
        return "compact";
    case VMRECLAIM__AGENT__V1__ACTION_KIND__ACTION_KIND_SET_REPORTING_ORDER:
    case VMRECLAIM__AGENT__V1__ACTION_KIND__ACTION_KIND_KICK_REPORTING:
        return "reporting";
    default:
        return "unknown";
    }
}

/* Which host and hypervisor it was measured on, and that it began `started` (CLOCK_BOOTTIME). */
static void origin_to_message(const struct vm *vm, nsec_t started,
                              Vmreclaim__Controller__V1__Action *message)
{
    const struct hypervisor_process *process = &vm->measured.process;

    message->host_boot_id = message_text(vm->supervisor->host_boot_id);
    message->started_boottime_ns = started;
    if (!hypervisor_process_is_open(process))
        return;
    message->hypervisor_pid = process->pid;
    message->hypervisor_start_time = process->start_time;
}

void guest_action_to_message(const struct vm *vm, const Vmreclaim__Agent__V1__ActionResult *result,
                             Vmreclaim__Controller__V1__Action *message)
{
    uint64_t duration = min_of(result->duration_ns, (uint64_t)INT64_MAX);

    vmreclaim__controller__v1__action__init(message);
    message->id = result->action_id;
    message->vm = message_text(vm->name);
    message->kind = message_text(guest_action_kind_name(result->kind));
    message->asked_by = message_text("policy");
    message->started_ns = time_realtime_before(time_realtime(), duration);
    origin_to_message(vm, saturating_subtract(time_boottime(), duration), message);
    message->duration_ns = result->duration_ns;
    message->guest = (Vmreclaim__Agent__V1__ActionResult *)result;
}

void action_sample_to_message(const struct vm *vm, int phase,
                              Vmreclaim__Controller__V1__ActionSample *message)
{
    const struct waterfall *waterfall = &vm->measured.waterfall;

    vmreclaim__controller__v1__action_sample__init(message);
    message->phase = (Vmreclaim__Controller__V1__ActionPhase)phase;
    message->time_ns = vm->measured.time;
    message->footprint = waterfall->footprint;
    message->swapped = waterfall->swapped;
    message->host_is_known = waterfall->host_is_known;
    message->guest_is_known = waterfall->guest_is_known;
    message->reported_is_known = waterfall->reported_is_known;
    message->balloon_is_known = waterfall->balloon_is_known;
    message->guest_free = waterfall->guest_is_known ? vm->measured.guest.free : 0;
    message->reported = waterfall->reported;
    message->reportable = waterfall->reportable;
    message->held_back = waterfall->held_back;
    message->trapped = waterfall->trapped;
    message->percpu = waterfall->percpu;
    message->cache = waterfall->cache;
    message->in_use = waterfall->in_use;
    message->balloon = waterfall->balloon;
}
