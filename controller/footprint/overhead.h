/* What a hypervisor holds for itself. */
#ifndef VMRECLAIM_CONTROLLER_FOOTPRINT_OVERHEAD_H
#define VMRECLAIM_CONTROLLER_FOOTPRINT_OVERHEAD_H

#include "controller/footprint/hypervisor-process.h"

/* Sets `overhead` where a part of the guest's memory is anonymous. The largest private mappings
 * hold that part; the anonymous pages of the others, as pagemap has them, are counted. A
 * hypervisor's heap comes and goes by megabytes, so who compares two readings calibrates before
 * each. It costs half a millisecond, however large the guest is. Without such a part it does
 * nothing. Otherwise -ENODATA: no such mappings, or `ram` is not known; -E2BIG: the others are
 * larger than any hypervisor's; the overhead stays as it was. */
int footprint_calibrate(struct hypervisor_process *process, uint64_t ram);

#endif
