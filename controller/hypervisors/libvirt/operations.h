/* Operations of sessions: their way through the engine and a lane, and their ends. */
#ifndef VMRECLAIM_CONTROLLER_HYPERVISORS_LIBVIRT_OPERATIONS_H
#define VMRECLAIM_CONTROLLER_HYPERVISORS_LIBVIRT_OPERATIONS_H

#include "controller/hypervisors/libvirt/domain-call.h"
#include "controller/hypervisors/libvirt/host.h"

/* Asks the domain. `list` is of the session's operations, so that it can end them. -EBUSY: too
 * many wait; -ENOMEM. */
int operation_start(struct domain *domain, struct list *list, enum driver_operation kind,
                    uint64_t value, nsec_t timeout, driver_done done, void *userdata);

/* Ends those of a session with `status`. What is out goes on, and nobody hears of it. */
void operations_end(struct list *list, int status, const struct error *error);

#endif
