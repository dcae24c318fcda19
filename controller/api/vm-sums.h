/* What all VMs are together, looked at a slice at a time (slices.h). */
#ifndef VMRECLAIM_CONTROLLER_API_VM_SUMS_H
#define VMRECLAIM_CONTROLLER_API_VM_SUMS_H

#include <stdbool.h>

#include "controller/explain/returns.h"
#include "controller/vms/supervisor.h"

struct vm_sums {
    char after[VM_NAME_SIZE];            /* the last VM that was looked at */
    uint64_t states[VM_STATE_COUNT];     /* VMs in each */
    uint64_t returns[RETURN_STEP_COUNT]; /* bytes that could come back, as far as is known */
};

/* Adds the next VMs to sums that were 0 before the first. False: these were the last. */
bool vm_sums_add_slice(struct vm_sums *sums, const struct supervisor *supervisor);

#endif
