/* The files behind a guest's memory, and what of the memory they are not. Internal to the folder.
 */
#ifndef VMRECLAIM_FOOTPRINT_BACKENDS_H
#define VMRECLAIM_FOOTPRINT_BACKENDS_H

#include "controller/footprint/footprint.h"

/* Size of the guest's anonymous memory, bytes; 0: it has none. `ram` is the VM's memory, 0:
 * unknown: then UINT64_MAX when nothing else is seen to back the guest, else 0. Needs
 * `last.hugetlb`. */
uint64_t backends_anonymous_size(const struct hypervisor_process *process, uint64_t ram);

#endif
