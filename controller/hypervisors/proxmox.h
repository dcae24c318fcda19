/* What Proxmox VE's files say of its VMs. Pure. */
#ifndef VMRECLAIM_CONTROLLER_HYPERVISORS_PROXMOX_H
#define VMRECLAIM_CONTROLLER_HYPERVISORS_PROXMOX_H

#include "controller/hypervisors/driver.h"

/* VMID of a socket /var/run/qemu-server/VMID.qmp of this host; 0: it is none of Proxmox's. */
unsigned proxmox_vmid(const char *where);

/* Name and tags of the text of etc/pve/qemu-server/VMID.conf, as name and labels, and whether
 * Proxmox VE moves the VM's balloon by itself. Sections behind the first, of snapshots, do not
 * count. */
void proxmox_read(const char *text, struct driver_vm *vm);

#endif
