/* The mark of a VM under a lease: what it had before, in its own description, where its hypervisor
 * has a place for that. It goes along to another host, whose daemon gives the memory back. */
#ifndef VMRECLAIM_CONTROLLER_LEASES_MARKS_H
#define VMRECLAIM_CONTROLLER_LEASES_MARKS_H

#include "controller/leases/table.h"

/* Memory is to be taken of `baseline`; what is commanded after this is done after it. */
void lease_mark_note(struct vm *vm, uint64_t baseline);

/* 0: none. The VM has a record of leases. */
void lease_mark_set(struct vm *vm, uint64_t baseline);

#endif
