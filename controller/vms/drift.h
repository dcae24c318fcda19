/* How a VM's footprint moves by itself while an action runs: not the action's doing. */
#ifndef VMRECLAIM_CONTROLLER_VMS_DRIFT_H
#define VMRECLAIM_CONTROLLER_VMS_DRIFT_H

#include "controller/vms/vm.h"

struct drift {
    int64_t slope;  /* bytes per second, before the action */
    uint64_t limit; /* bytes; it cannot fall further by itself */
    bool is_known;  /* else there are too few points of before, and the slope is 0 */
};

/* As the VM is when an action begins. What falls by itself is what the guest's kernel goes on
 * reporting. It is taken to be at most what waits for that now; what the guest frees later is not
 * known. No such limit where the guest's side is not of this moment, or where host swap or a
 * balloon may take memory as well. What fell up to the end of another action was that action's
 * doing. */
void drift_begin(const struct vm *vm, struct drift *ret_drift);

#define DRIFT_WAITS_UNKNOWN UINT64_MAX

/* The same for an action that began at `start` (CLOCK_BOOTTIME) and is heard of now: `waits` bytes
 * waited to be reported then. None where the history's last seconds do not reach behind `start`. */
void drift_begin_at(const struct vm *vm, nsec_t start, uint64_t waits, struct drift *ret_drift);

/* Bytes by which the footprint would have changed within `duration` of that moment, at most 0. A
 * rising one counts as still, so that no action claims memory that the host never got back. */
int64_t drift_over(const struct drift *drift, nsec_t duration);

#endif
