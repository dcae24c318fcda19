/* Measuring once more what a record says. */
#ifndef VMRECLAIM_CONTROLLER_RECORDS_AGAIN_H
#define VMRECLAIM_CONTROLLER_RECORDS_AGAIN_H

#include "controller.pb-c.h"
#include "controller/vms/supervisor.h"

/* Whether a footprint of the VM now can be compared with the record: the same process holds it. */
bool record_is_comparable(const struct vm *vm, const Vmreclaim__Controller__V1__Action *action);

/* It began in this boot of the host, as far as that is known. */
bool record_is_of_this_boot(const struct supervisor *supervisor,
                            const Vmreclaim__Controller__V1__Action *action);

/* The VM that the record is of, by whatever name; NULL: it is gone, or runs in another process. */
struct vm *record_find_vm(const struct supervisor *supervisor,
                          const Vmreclaim__Controller__V1__Action *action);

/* Measures now what the record's host_returned was, less the same drift: that of the action's own
 * window, which says nothing about later. -ENODATA: it cannot be compared. */
int record_measure_again(struct vm *vm, const Vmreclaim__Controller__V1__Action *action,
                         int64_t *ret_returned);

#endif
