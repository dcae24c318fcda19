/* Guests that came with something in their balloon: restored from a file or a snapshot, or by a
 * migration. What our leases took is known by its trace (traces.h) and given back, whoever wrote
 * which file when; what somebody else took is left, and said. */
#ifndef VMRECLAIM_CONTROLLER_LEASES_ARRIVALS_H
#define VMRECLAIM_CONTROLLER_LEASES_ARRIVALS_H

#include "controller/leases/table.h"

/* The VM's hypervisor was read, and no lease was resumed for it. */
void lease_arrivals_look(struct lease_keeper *keeper, struct vm *vm);

#endif
