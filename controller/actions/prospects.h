/* What could be had of a VM now, for who plans before acting. */
#ifndef VMRECLAIM_CONTROLLER_ACTIONS_PROSPECTS_H
#define VMRECLAIM_CONTROLLER_ACTIONS_PROSPECTS_H

#include "controller/explain/gains.h"
#include "controller/vms/vm.h"

struct prospects {
    struct gains gains;
    uint64_t footprint;    /* 0: not known */
    uint64_t free_on_host; /* free in the guest, and held by the host; of gains.is_known */
};

void prospects_of(const struct vm *vm, struct prospects *ret_prospects);

#endif
