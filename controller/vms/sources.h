/* Who names VMs: files and hypervisors that were found; agents that dial in and leases add theirs
 * themselves. Writes vm->sources. */
#ifndef VMRECLAIM_CONTROLLER_VMS_SOURCES_H
#define VMRECLAIM_CONTROLLER_VMS_SOURCES_H

#include "common/base/error.h"
#include "controller/config/problems.h"
#include "controller/config/sources.h"
#include "controller/vms/supervisor.h"

/* What the VM files say, all of them: new VMs are added, changed ones changed, those whose file is
 * gone removed. A file that names a record of another source takes it over, whatever its name. Each
 * file is in force as a whole or stays what it was; then `problems` has it. Takes definitions. */
void supervisor_define(struct supervisor *supervisor, struct vm_files *files,
                       struct problems *problems);

/* Hypervisors that were found; each is a VM even without a file. A VM that was found before and is
 * not in the list loses this source. */
void supervisor_set_found(struct supervisor *supervisor, const struct hypervisor_address *addresses,
                          size_t count, struct problems *problems);

/* A hypervisor that was found turned out to be that of a VM file which names none: it is given to
 * that VM, and true returned: the record is gone. Not from a callback of its session. */
bool sources_join(struct vm *found);

/* The source names it no more. The last one takes the VM along. */
void vm_drop_source(struct vm *vm, enum vm_source source);

#endif
