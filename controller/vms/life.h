/* A VM's life: its record comes, moves through the states of lifecycle.h and goes. Writes
 * vm->life. */
#ifndef VMRECLAIM_CONTROLLER_VMS_LIFE_H
#define VMRECLAIM_CONTROLLER_VMS_LIFE_H

#include "common/base/error.h"
#include "controller/vms/supervisor.h"

/* Into the registry and a slot. -EEXIST, -ENOMEM: the record stays the caller's. */
int supervisor_add_vm(struct supervisor *supervisor, struct vm *vm, struct error *error);

/* Looks at the facts again and moves the state, with an event for each change. */
void vm_update_state(struct vm *vm);

/* Its hypervisor ended: to `gone`, and from there to `discovered` for whoever still names it. */
void vm_mark_gone(struct vm *vm);

/* No source names it any more: `gone`, on which its parts close what they have open. It is freed
 * once that is closed. */
void vm_remove(struct vm *vm);

/* Frees a removed VM once nothing of it is open. */
void vm_reap(struct vm *vm);

#endif
