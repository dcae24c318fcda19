/* Names and tags that Proxmox VE gives its VMs, read by a thread of their own: its configuration is
 * a FUSE file system of a cluster, which may hang for as long as the cluster has no quorum.
 *
 * Theory of operation: whoever looks for VMs has those of a list read, and waits a moment. Each
 * that was read is known from then on, until a later reading says otherwise.
 *
 * Failure modes: a reading that hangs is waited for once. Until it ends nothing else is read, what
 * was known stays known, and nobody waits. The thread may outlive its owner. */
#ifndef VMRECLAIM_CONTROLLER_HYPERVISORS_PROXMOX_NAMES_H
#define VMRECLAIM_CONTROLLER_HYPERVISORS_PROXMOX_NAMES_H

#include <stddef.h>

#include "common/base/time.h"
#include "controller/hypervisors/driver.h"

#define PROXMOX_NAMES_WAIT (500 * NSEC_PER_MSEC)

struct proxmox_names;

/* `root` has etc/; it is duplicated. -ENOMEM, or -errno of dup. */
int proxmox_names_create(int root, struct proxmox_names **ret_names);

/* NULL is fine. */
void proxmox_names_destroy(struct proxmox_names *names);

/* Reads those of these VMIDs, and forgets all others. Waits PROXMOX_NAMES_WAIT at most. -EBUSY: one
 * of an earlier list hangs. -ETIMEDOUT: one of these does. -ENOMEM; -errno of the thread. */
int proxmox_names_read(struct proxmox_names *names, const unsigned *vmids, size_t count);

/* What is known, where `vm->where` is one of Proxmox's sockets. */
void proxmox_names_describe(struct proxmox_names *names, struct driver_vm *vm);

#endif
