/* A VM's record as a message. */
#include "controller/messages/vm.h"

#include <assert.h>
#include <string.h>

#include "common/base/util.h"
#include "controller/leases/alarm.h"
#include "controller/leases/table.h"
#include "controller/leases/term.h"
#include "controller/messages/text.h"
#include "controller/vms/hypervisor.h"
#include "controller/vms/reading.h"
#include "controller/vms/statistics.h"

static void host_facts_to_message(const struct supervisor *supervisor, const struct vm *vm,
                                  Vmreclaim__Controller__V1__HostFacts *message)
{
    const struct driver_facts *facts = &vm->hypervisor.facts;
    int order = supervisor_lowest_order(supervisor, vm);

    vmreclaim__controller__v1__host_facts__init(message);
    message->backing = message_text(vm_backing_name(vm));
    message->backing_page_size = facts->backing_page_size;
    message->transparent_huge_pages =
        supervisor->transparent_huge_pages && facts->backing == MEMORY_BACKING_ANONYMOUS;
    message->vfio_devices = facts->vfio_devices;
    message->locked = facts->locked;
    message->encrypted = facts->encrypted;
    message->migrated_in = vm->hypervisor.migrated_in;
    message->restored = vm->hypervisor.restored;
    message->foreign_balloon_owner = message_text(lease_foreign_owner(vm));
    message->lowest_useful_order = order > 0 ? (uint32_t)order : 0;
    message->lowest_useful_order_is_known = order >= 0;
    message->footprint_at_boot = vm->measured.footprint_at_boot;
    message->touched = vm->measured.touched;
    message->huge_bytes = vm->measured.huge_bytes;
    message->deflate_on_oom = facts->deflate_on_oom == ANSWER_YES;
}

/* "on", "off", or why it cannot work although it is on; empty: not known. */
static const char *reporting_of(const struct vm *vm)
{
    const struct driver_facts *facts = &vm->hypervisor.facts;

    if (!vm->hypervisor.known)
        return "";
    if (facts->balloon == ANSWER_NO)
        return "off: the VM has no balloon device";
    /* first what no switch would change */
    if (facts->vfio_devices > 0)
        return "inert: an assigned device pins all memory";
    if (facts->encrypted)
        return "inert: the guest's memory is encrypted";
    if (facts->locked)
        return "inert: the guest's memory is locked or pinned";
    if (facts->free_page_reporting == ANSWER_NO)
        return "off: start the VM with free-page-reporting=on";
    if (facts->free_page_reporting == ANSWER_UNKNOWN)
        return "unknown: the hypervisor does not report it";
    if (vm_declines_reporting(vm))
        return "inert: offered, and the guest does not use it";
    return "on";
}

static void policy_to_message(const struct vm *vm, Vmreclaim__Controller__V1__Vm *message)
{
    if (vm->assigned.policy == NULL)
        return;
    message->policy = vm->assigned.policy->name;
    message->policy_revision = vm->assigned.policy->revision;
    message->unsupported_keys = vm->assigned.unsupported_keys;
    message->n_unsupported_keys = message_count(vm->assigned.unsupported_keys);
}

static void balloon_to_message(const struct vm *vm, Vmreclaim__Controller__V1__Vm *message)
{
    const struct balloon_control *control = lease_balloon(vm);
    struct lease_moment moment;

    message->balloon_maximum = vm->hypervisor.facts.balloon_maximum;
    message->balloon_target = vm->hypervisor.facts.balloon_actual;
    message->balloon_baseline = vm->hypervisor.facts.balloon_actual;
    message->balloon_lease = lease_waiting_bytes(vm);
    if (control == NULL)
        return;
    message->balloon_target = control->target;
    message->balloon_baseline = control->baseline;
    message->balloon_lease = balloon_held(control);
    if (control->lease_count == 0)
        return;
    moment = lease_moment_now();
    message->balloon_owner = message_text(control->leases[0].lease.owner);
    message->balloon_expires_ns = lease_end_time(&control->leases[0].lease, &moment);
}

static uint64_t known(uint64_t value)
{
    return value == UINT64_MAX ? 0 : value;
}

static void statistics_to_message(const struct driver_statistics *statistics,
                                  Vmreclaim__Controller__V1__BalloonStatistics *message)
{
    vmreclaim__controller__v1__balloon_statistics__init(message);
    message->updated_s = statistics->updated;
    message->total = known(statistics->total);
    message->free = known(statistics->free);
    message->available = known(statistics->available);
    message->disk_caches = known(statistics->disk_caches);
}

/* Of a guest of which nobody else tells. */
static const char *statistics_problem(const struct vm *vm)
{
    enum statistics_trust trust;

    if (vm->links.agent != NULL || !vm->hypervisor.ready || vm->statistics.seen == 0)
        return "";
    trust = vm_judge_statistics(vm, time_boottime());
    return trust == STATISTICS_HOLD ? "" : statistics_trust_text(trust);
}

/* UNIX nanoseconds; 0: none. */
static int64_t last_sample_time(const struct vm *vm)
{
    if (vm->measured.guest.received == 0)
        return 0;
    return time_realtime() - (int64_t)(time_boottime() - vm->measured.guest.received);
}

static void agent_to_message(const struct vm *vm, Vmreclaim__Controller__V1__Vm *message)
{
    message->agent_connected = vm->links.agent != NULL;
    message->announced = vm->announced;
    message->boot_id = message_text(vm->agent.boot_id);
    message->last_sample_ns = last_sample_time(vm);
    message->refault_rate_is_known =
        vm->measured.waterfall.guest_is_known && vm->measured.guest.refault_rate_is_known;
    if (message->refault_rate_is_known)
        message->refault_rate = vm->measured.guest.refault_rate;
    /* What an agent said that is gone is not so any more. */
    if (vm->links.agent == NULL)
        return;
    message->agent_version = message_text(vm->agent.info.version);
    message->engine_state = message_text(vm->agent.engine_state);
    message->engine_reason = message_text(vm->agent.engine_reason);
}

void vm_to_message(const struct supervisor *supervisor, const struct vm *vm, bool with_guest,
                   struct vm_message *ret_message)
{
    Vmreclaim__Controller__V1__Vm *message = &ret_message->message;

    vmreclaim__controller__v1__vm__init(message);
    message->name = message_text(vm->name);
    message->uuid = message_text(vm->uuid);
    message->cid = vm->cid;
    message->pid =
        hypervisor_process_is_open(&vm->measured.process) ? (int32_t)vm->measured.process.pid : 0;
    message->state = message_text(vm_state_name(vm->life.state));
    message->driver = message_text(vm->address.driver != NULL ? vm->address.driver->name : "");
    message->driver_state = message_text(vm_hypervisor_condition(vm));
    message->reporting = message_text(reporting_of(vm));
    message->halted = vm->halted;
    message->title =
        message_text(vm->found.title[0] != '\0' ? vm->found.title : vm->hypervisor.facts.title);
    message->labels = (char **)vm_labels(vm, &message->n_labels);
    agent_to_message(vm, message);
    balloon_to_message(vm, message);
    message->alarm = message_text(alarm_text(vm, ret_message->alarm));
    message->alarm_since_ns = alarm_since(vm);
    policy_to_message(vm, message);
    message->pulse = message_text(vm->pulse_text);
    message->statistics_problem = message_text(statistics_problem(vm));
    if (vm->links.agent == NULL && vm_statistics_hold(vm, time_boottime())) {
        statistics_to_message(&vm->statistics.last, &ret_message->statistics);
        message->statistics = &ret_message->statistics;
    }
    if (vm->hypervisor.known || vm->measured.waterfall.host_is_known) {
        host_facts_to_message(supervisor, vm, &ret_message->host);
        message->host = &ret_message->host;
    }
    if (vm->measured.waterfall.host_is_known || vm->measured.waterfall.guest_is_known) {
        waterfall_to_message(vm, with_guest, &ret_message->waterfall);
        message->waterfall = &ret_message->waterfall.message;
    }
}
