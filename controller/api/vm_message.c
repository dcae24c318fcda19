/* A VM's record as the API's messages. */
#include "controller/api/api.h"

#include "common/base/util.h"
#include "controller/leases/balloon.h"

void api_waterfall_to_message(const struct vm *vm, bool with_guest, struct api_vm_scratch *scratch)
{
    const struct waterfall *w = &vm->waterfall;
    Vmreclaim__Controller__V1__Waterfall *message = &scratch->waterfall;

    vmreclaim__controller__v1__waterfall__init(message);
    message->time_ns = vm->waterfall_time;
    message->skew_ns = w->skew;
    message->footprint = w->footprint;
    message->swapped = w->swapped;
    message->reported = w->reported;
    message->reportable = w->reportable;
    message->held_back = w->held_back;
    message->trapped = w->trapped;
    message->percpu = w->percpu;
    message->cache = w->cache;
    message->balloon = w->balloon;
    message->in_use = w->in_use;
    message->unmanaged = w->unmanaged;
    message->remainder = w->remainder;
    message->vm_ram = w->ram;
    message->guest_is_known = w->guest_is_known;
    message->footprint_source = api_text(footprint_source_format(
        vm->host.sources, scratch->footprint_source, sizeof(scratch->footprint_source)));
    if (with_guest && w->guest_is_known) {
        guest_memory_to_message(&vm->guest, &scratch->guest);
        message->guest = &scratch->guest;
    }
}

static void host_facts_to_message(const struct supervisor *supervisor, const struct vm *vm,
                                  Vmreclaim__Controller__V1__HostFacts *message)
{
    const struct driver_facts *facts = &vm->hypervisor;
    int order = supervisor_lowest_order(supervisor, vm);

    vmreclaim__controller__v1__host_facts__init(message);
    message->backing = api_text(vm_backing_name(vm));
    message->backing_page_size = facts->backing_page_size;
    message->transparent_huge_pages =
        supervisor->transparent_huge_pages && facts->backing == MEMORY_BACKING_ANONYMOUS;
    message->vfio_devices = facts->vfio_devices;
    message->locked = facts->locked;
    message->encrypted = facts->encrypted;
    message->migrated_in = vm->migrated_in;
    message->restored = vm->restored;
    message->foreign_balloon_owner = api_text(vm->foreign_balloon_owner);
    message->lowest_useful_order = order > 0 ? (uint32_t)order : 0;
    message->footprint_at_boot = vm->footprint_at_boot;
    message->touched = vm->touched;
    message->huge_bytes = vm->huge_bytes;
    message->deflate_on_oom = facts->deflate_on_oom == ANSWER_YES;
}

/* "on", "off", or why it cannot work although it is on; empty: not known. */
static const char *reporting_of(const struct vm *vm)
{
    const struct driver_facts *facts = &vm->hypervisor;

    if (!vm->hypervisor_known)
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
        return "unknown: the hypervisor does not tell";
    return "on";
}

static size_t count_keys(char *const *keys)
{
    size_t count = 0;

    while (keys != NULL && keys[count] != NULL)
        count++;
    return count;
}

static void policy_to_message(const struct vm *vm, Vmreclaim__Controller__V1__Vm *message)
{
    if (vm->policy == NULL)
        return;
    message->policy = vm->policy->name;
    message->policy_revision = vm->policy->revision;
    message->unsupported_keys = vm->unsupported_keys;
    message->n_unsupported_keys = count_keys(vm->unsupported_keys);
}

static void balloon_to_message(const struct vm *vm, Vmreclaim__Controller__V1__Vm *message)
{
    const struct balloon_control *control = vm->balloon;

    message->balloon_target = vm->hypervisor.balloon_actual;
    message->balloon_baseline = vm->hypervisor.balloon_actual;
    message->balloon_lease = vm->balloon_waiting;
    if (control == NULL)
        return;
    message->balloon_target = control->target;
    message->balloon_baseline = control->baseline;
    message->balloon_lease = balloon_held(control);
    if (control->lease_count == 0)
        return;
    message->balloon_owner = api_text(control->leases[0].lease.owner);
    message->balloon_expires_ns = control->leases[0].lease.expires;
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

/* UNIX nanoseconds; 0: none. */
static int64_t last_sample_time(const struct vm *vm)
{
    if (vm->guest.received == 0)
        return 0;
    return time_realtime() - (int64_t)(time_boottime() - vm->guest.received);
}

void api_vm_to_message(const struct supervisor *supervisor, const struct vm *vm, bool with_guest,
                       struct api_vm_scratch *scratch, Vmreclaim__Controller__V1__Vm *message)
{
    vmreclaim__controller__v1__vm__init(message);
    message->name = api_text(vm->name);
    message->uuid = api_text(vm->uuid);
    message->cid = vm->cid;
    message->pid = hypervisor_process_is_open(&vm->process) ? (int32_t)vm->process.pid : 0;
    message->state = api_text(vm_state_name(vm->state));
    message->driver = api_text(vm->address.driver != NULL ? vm->address.driver->name : "");
    message->driver_state = api_text(vm->driver_state);
    message->agent_connected = vm->agent != NULL;
    message->agent_version = api_text(vm->info.version);
    message->announced = vm->announced;
    message->boot_id = api_text(vm->boot_id);
    message->reporting = api_text(reporting_of(vm));
    message->engine_state = api_text(vm->engine_state);
    message->engine_reason = api_text(vm->engine_reason);
    balloon_to_message(vm, message);
    if (vm->definition != NULL) {
        message->labels = vm->definition->labels;
        message->n_labels = vm->definition->label_count;
    }
    message->last_sample_ns = last_sample_time(vm);
    message->refault_rate = vm->waterfall.guest_is_known ? vm->guest.refault_rate : 0;
    policy_to_message(vm, message);
    if (vm->agent == NULL && vm->statistics.updated != 0) {
        statistics_to_message(&vm->statistics, &scratch->statistics);
        message->statistics = &scratch->statistics;
    }
    host_facts_to_message(supervisor, vm, &scratch->host);
    message->host = &scratch->host;
    if (vm->waterfall.time != 0 || vm->waterfall.guest_is_known) {
        api_waterfall_to_message(vm, with_guest, scratch);
        message->waterfall = &scratch->waterfall;
    }
}
