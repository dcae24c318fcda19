/* What Proxmox VE knows of its VMs. Its configuration is a FUSE file system of a cluster, which may
 * hang: not for the loop's thread. */
#ifndef VMRECLAIM_CONTROLLER_HYPERVISORS_PROXMOX_H
#define VMRECLAIM_CONTROLLER_HYPERVISORS_PROXMOX_H

#include "controller/hypervisors/driver.h"

/* VMID of a socket /var/run/qemu-server/VMID.qmp; 0: it is none of Proxmox's. */
unsigned proxmox_vmid(const char *where);

/* Name and tags of the text of etc/pve/qemu-server/VMID.conf, as name and labels. Sections behind
 * the first, of snapshots, do not count. Pure. */
void proxmox_read(const char *text, struct driver_vm *vm);

/* Both, where `vm->where` is one of Proxmox's sockets. */
void proxmox_describe(int root, struct driver_vm *vm);

#endif
