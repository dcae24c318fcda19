/* Leases that somebody asks for or gives back. */
#ifndef VMRECLAIM_LEASES_REQUESTS_H
#define VMRECLAIM_LEASES_REQUESTS_H

#include "controller/leases/table.h"

/* A lease that leaves the guest `size` bytes, for `duration` (0: until released). Replaces the
 * owner's own lease on this VM. It is in the journal on return; when it cannot be written it is
 * refused, and the owner keeps what it had. -ENOTCONN, -ENODEV, -EOPNOTSUPP: there is no balloon to
 * be had; -EBUSY, -EINVAL, -ENOSPC: as balloon_request(), or below the `floor` of the VM's file. */
int lease_keeper_set(struct lease_keeper *keeper, struct vm *vm, uint64_t size, nsec_t duration,
                     const char *owner, struct error *error);

/* Gives all leases of the VM back. -ENOENT: there are none. */
int lease_keeper_release(struct lease_keeper *keeper, struct vm *vm, struct error *error);

#endif
