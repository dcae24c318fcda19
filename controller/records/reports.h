/* What guests report of their own actions, kept until the next tick.
 *
 * A record costs milliseconds: the hypervisor's memory is read and the store written. If that were
 * done while the guest's message is handled, the guest would be charged for it. Its heartbeat would
 * then not be read for many seconds, and a guest that reports much would hold up everybody else's
 * messages. So a report is kept, and each tick takes a few in the order they came. */
#ifndef VMRECLAIM_CONTROLLER_RECORDS_REPORTS_H
#define VMRECLAIM_CONTROLLER_RECORDS_REPORTS_H

#include "controller/records/book.h"

#define REPORTS_MAX      1024 /* that wait; more are not recorded */
#define REPORTS_PER_TICK 8

/* Keeps a copy. */
void reports_add(struct recorder *recorder, const struct vm *vm,
                 const Vmreclaim__Agent__V1__ActionResult *result, nsec_t now);

/* Takes at most `most` of them; those of VMs that are gone go. */
void reports_take(struct recorder *recorder, size_t most);

#endif
