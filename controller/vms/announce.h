/* Whose agent this is: whether somebody other than the guest says that it is this VM's. Writes
 * vm->announced. */
#ifndef VMRECLAIM_CONTROLLER_VMS_ANNOUNCE_H
#define VMRECLAIM_CONTROLLER_VMS_ANNOUNCE_H

#include "common/base/error.h"
#include "controller/vms/supervisor.h"

/* Facts of the hypervisor, or a new connection, may vouch for the agent. */
void announce_on_event(const struct vm_event *event);

/* Nobody vouches for who is there until the hypervisor is heard, or a path is dialled, again. */
void announce_withdraw(struct vm *vm, const char *reason);

/* 0 when commands may be sent to the VM's agent, else -EPERM or -ENOTCONN with the reason. */
int vm_may_command(const struct vm *vm, struct error *error);

#endif
