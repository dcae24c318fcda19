/* Balloon statistics of a VM that has no agent: the next best to an agent's samples. Writes
 * vm->statistics.
 *
 * The hypervisor asks the guest every so many seconds, which wakes the guest. Where nobody has
 * switched that on intervals.h does, for VMs that have a file or a policy. A VM that was only found
 * is only observed. */
#ifndef VMRECLAIM_CONTROLLER_VMS_STATISTICS_H
#define VMRECLAIM_CONTROLLER_VMS_STATISTICS_H

#include "controller/vms/supervisor.h"

/* What the hypervisor answered at `now`, CLOCK_BOOTTIME, which is `time` in UNIX nanoseconds. */
void vm_statistics_take(struct vm *vm, const struct driver_statistics *statistics, nsec_t now,
                        int64_t time);

/* They are of now, not of a guest that has told none since. */
bool vm_statistics_hold(const struct vm *vm, nsec_t now);

/* Once a second. */
void vm_statistics_visit(struct vm *vm, nsec_t now);

/* Its hypervisor is another, or not connected: nothing it said holds. */
void vm_statistics_on_event(const struct vm_event *event);

#endif
