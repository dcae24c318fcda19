/* QMP sockets as addresses of VMs. `where` is that of an address. */
#ifndef VMRECLAIM_CONTROLLER_HYPERVISORS_QEMU_SOCKETS_H
#define VMRECLAIM_CONTROLLER_HYPERVISORS_QEMU_SOCKETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/error.h"

/* "PATH", or "shared:PATH" of one that others use as well. 0: it can be that of a QMP socket;
 * -EINVAL. */
int qemu_check_socket(const char *where, struct error *error);

const char *qemu_socket_path(const char *where);

/* It is said to be shared, or Proxmox VE's tools use it, one after another, all day. */
bool qemu_is_shared(const char *where);

/* A directory's entry is a QMP socket: a UNIX socket called *.qmp or *.sock. */
bool qemu_is_socket(const char *path);

/* What a VM with no other name is called: "web-1" for "/run/qemu/web-1.qmp". */
void qemu_name_socket(const char *where, char *name, size_t size);

/* Who holds this socket all the time, by where it is; NULL: nobody that we know. */
const char *qemu_socket_owner(const char *where);

/* Another number for another socket at this path; 0: there is none. */
uint64_t qemu_identify_socket(const char *where);

#endif
