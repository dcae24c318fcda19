/* Who names VMs: files and hypervisors that were found; agents that dial in and leases add theirs
 * themselves. Writes vm->sources. */
#ifndef VMRECLAIM_VMS_SOURCES_H
#define VMRECLAIM_VMS_SOURCES_H

#include "common/base/error.h"
#include "controller/vms/supervisor.h"

/* What the VM files say, all of them: new VMs are added, changed ones changed, others removed.
 * Takes the definitions over (the array stays the caller's). All or nothing: -EEXIST as
 * claims_check. */
int supervisor_define(struct supervisor *supervisor, struct vm_definition **definitions,
                      size_t count, struct error *error);

/* Hypervisors that were found; each is a VM even without a file. A VM that was found before and is
 * not in the list loses this source. */
int supervisor_set_found(struct supervisor *supervisor, const struct hypervisor_address *addresses,
                         size_t count, struct error *error);

/* The source names it no more. The last one takes the VM along. */
void vm_drop_source(struct vm *vm, enum vm_source source);

#endif
