/* Balloon statistics. */
#include "controller/vms/statistics.h"

#include <assert.h>
#include <string.h>

#include "common/base/number.h"
#include "common/base/util.h"
#include "controller/vms/hypervisor.h"
#include "controller/vms/intervals.h"

#define AGE_MAX       (60 * NSEC_PER_SEC) /* they are asked for every ten */
#define READ_INTERVAL (10 * NSEC_PER_SEC)
#define READ_TIMEOUT  (3 * NSEC_PER_SEC)

/* When the guest told them at the earliest. The hypervisor's wall clock has whole seconds, and may
 * have been set since; but what was not there at the last reading came after it. */
static nsec_t told_at(const struct vm_statistics *kept, const struct driver_statistics *statistics,
                      nsec_t now, int64_t time)
{
    int64_t updated = time_realtime_of_seconds(statistics->updated);
    nsec_t told = kept->seen;

    if (updated <= time)
        told = max_of(told, saturating_subtract(now, time_realtime_between(updated, time)));
    return told;
}

/* The hypervisor goes on telling the last ones for ever. */
void vm_statistics_take(struct vm *vm, const struct driver_statistics *statistics, nsec_t now,
                        int64_t time)
{
    struct vm_statistics *kept = &vm->statistics;

    if (memcmp(&kept->last, statistics, sizeof(kept->last)) != 0)
        kept->told = told_at(kept, statistics, now, time);
    kept->last = *statistics;
    kept->seen = now;
    assert(kept->told <= now);
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

void vm_statistics_visit(struct vm *vm, nsec_t now)
{
    bool can_read = (vm->hypervisor.facts.capabilities & DRIVER_CAN_READ_STATISTICS) != 0;

    if (!vm->hypervisor.ready || vm->hypervisor.silent != 0)
        return;
    vm_interval_visit(vm, can_read && vm->links.agent == NULL && vm_may_be_changed(vm), now);
    if (!can_read || vm->links.agent != NULL || now < vm->statistics.next)
        return;
    vm->statistics.next = now + READ_INTERVAL;
    (void)vm->address.driver->start(vm->hypervisor.session, DRIVER_READ_STATISTICS, 0, READ_TIMEOUT,
                                    on_statistics, vm);
}

void vm_statistics_on_event(const struct vm_event *event)
{
    struct vm_statistics *kept = &event->vm->statistics;

    if (event->kind != VM_EVENT_HYPERVISOR || event->vm->hypervisor.known)
        return;
    kept->last = (struct driver_statistics){0};
    kept->seen = 0;
}
