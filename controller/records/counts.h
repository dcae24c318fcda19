/* Counts each action once, when its record is complete. */
#ifndef VMRECLAIM_CONTROLLER_RECORDS_COUNTS_H
#define VMRECLAIM_CONTROLLER_RECORDS_COUNTS_H

#include "controller/records/book.h"

/* `vm` NULL: it is gone. Without memory the VM's own sums lack the action. */
void record_count(struct recorder *recorder, struct vm *vm,
                  const Vmreclaim__Controller__V1__Action *action);

#endif
