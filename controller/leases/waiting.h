/* Leases that no balloon carries: their VM's hypervisor is not there yet, or no VM claims them.
 * Part of the keeper.
 *
 * Theory of operation: a lease is for the VM whose hypervisor's process it names. Else it is for
 * the VM with its UUID, else for the one with its name. So a VM's file may be renamed. A lease
 * waits until that VM's hypervisor answers, and is resumed when it is the same process, else given
 * back. A lease that is over and that no VM claims gets a stand-in. That is a VM with nothing but
 * the address in the lease, which goes when the memory is given back. Until it is, the stand-in is
 * seen as a VM like others, with what is wrong.
 *
 * Failure modes: a journal that cannot be read is read again until it could be. A lease is
 * forgotten only when the process that it names is gone for sure. */
#ifndef VMRECLAIM_CONTROLLER_LEASES_WAITING_H
#define VMRECLAIM_CONTROLLER_LEASES_WAITING_H

#include "controller/leases/table.h"

/* Reads the journal. After a failure nothing waits and the tick tries again. */
void lease_waiting_load(struct lease_keeper *keeper);

/* Why the leases of earlier are not known; NULL: they are. */
const char *lease_waiting_problem(const struct lease_keeper *keeper);

void lease_waiting_finish(struct lease_keeper *keeper);

/* It waits for its VM to come back, or to expire. */
void lease_waiting_add(struct lease_keeper *keeper, const struct lease *lease);

/* Into the VM's balloon, which is to be run then. Nothing before its hypervisor was read. */
void lease_waiting_resume(struct lease_keeper *keeper, struct vm *vm);

/* Shows what waits with the VM until its hypervisor answers. */
void lease_waiting_note(struct lease_keeper *keeper, struct vm *vm);

/* Some wait for this VM. */
bool lease_waiting_has(const struct lease_keeper *keeper, const struct vm *vm);

/* Once a second, before the balloons are run. */
void lease_waiting_tick(struct lease_keeper *keeper, nsec_t now);

/* Something is to be done by the tick. */
bool lease_waiting_is_busy(const struct lease_keeper *keeper);

/* How many wait, and how many of them are due at that time, CLOCK_BOOTTIME. */
size_t lease_waiting_count(const struct lease_keeper *keeper);
size_t lease_waiting_count_due(const struct lease_keeper *keeper, nsec_t now);

#endif
