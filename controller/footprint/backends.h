/* The files behind a guest's memory, and what of the memory they are not. Internal to the folder.
 */
#ifndef VMRECLAIM_FOOTPRINT_BACKENDS_H
#define VMRECLAIM_FOOTPRINT_BACKENDS_H

#include "controller/footprint/footprint.h"
#include "controller/footprint/process.h"

/* Size of the guest's anonymous memory, bytes; 0: it has none. `ram` is the VM's memory, 0:
 * unknown: then UINT64_MAX when nothing else is seen to back the guest, else 0. Needs
 * `last.hugetlb`. */
uint64_t backends_anonymous_size(const struct hypervisor_process *process, uint64_t ram);

/* Whether the mapping is one of a backend's file, shared or private as the backend is. */
bool backends_have_file(const struct hypervisor_process *process, const struct mapping *mapping);

#endif
