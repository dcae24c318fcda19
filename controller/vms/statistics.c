/* Balloon statistics. */
#include "controller/vms/statistics.h"

#include "common/base/number.h"
#include "controller/vms/hypervisor.h"
#include "controller/vms/intervals.h"

#define AGE_MAX       (60 * NSEC_PER_SEC) /* they are asked for every ten */
#define READ_INTERVAL (10 * NSEC_PER_SEC)
#define READ_TIMEOUT  (3 * NSEC_PER_SEC)

/* The hypervisor goes on telling the last ones for ever; how old those of before this session are
 * is in its wall clock alone. */
void vm_statistics_take(struct vm *vm, const struct driver_statistics *statistics, nsec_t now,
                        int64_t time)
{
    struct vm_statistics *kept = &vm->statistics;

    if (kept->last.updated == 0)
        kept->told = saturating_subtract(
            now, time_realtime_between(time_realtime_of_seconds(statistics->updated), time));
    else if (kept->last.updated != statistics->updated)
        kept->told = now;
    kept->last = *statistics;
}

bool vm_statistics_hold(const struct vm *vm, nsec_t now)
{
    return vm->statistics.last.updated > 0 &&
           saturating_subtract(now, vm->statistics.told) < AGE_MAX;
}

static void on_statistics(const struct driver_result *result, void *userdata)
{
    struct vm *vm = userdata;

    vm_hypervisor_note(vm, result);
    if (result->status != 0)
        return;
    vm_statistics_take(vm, result->statistics, time_boottime(), time_realtime());
    vm_emit(vm, VM_EVENT_STATISTICS, "the balloon's driver was asked");
}

/* It was only found, and nobody has given it a policy: nothing is changed of it. */
static bool is_only_observed(const struct vm *vm)
{
    return (vm->sources.set & VM_SOURCE_FILE) == 0 && vm->assigned.policy == NULL;
}

void vm_statistics_visit(struct vm *vm, nsec_t now)
{
    bool can_read = (vm->hypervisor.facts.capabilities & DRIVER_CAN_READ_STATISTICS) != 0;

    if (!vm->hypervisor.ready || vm->hypervisor.silent != 0)
        return;
    vm_interval_visit(
        vm, can_read && vm->links.agent == NULL && !vm->halted && !is_only_observed(vm), now);
    if (!can_read || vm->links.agent != NULL || now < vm->statistics.next)
        return;
    vm->statistics.next = now + READ_INTERVAL;
    (void)vm->address.driver->read_statistics(vm->hypervisor.session, READ_TIMEOUT, on_statistics,
                                              vm);
}

void vm_statistics_on_event(const struct vm_event *event)
{
    if (event->kind == VM_EVENT_HYPERVISOR && !event->vm->hypervisor.known)
        event->vm->statistics.last = (struct driver_statistics){0};
}
