/* Who names VMs: files; hypervisors that were found (found.h), agents that dial in and leases add
 * theirs themselves. Writes vm->sources. */
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

/* A record by a name that nobody has. -ENOMEM. */
int sources_add(struct supervisor *supervisor, const char *name, enum vm_source source,
                struct vm **ret_vm, struct error *error);

/* Another source names it, too. */
void vm_add_source(struct vm *vm, enum vm_source source);

/* The source names it no more. The last one takes the VM along. */
void vm_drop_source(struct vm *vm, enum vm_source source);

#endif
