/* QMP sockets as addresses of VMs. */
#ifndef VMRECLAIM_CONTROLLER_HYPERVISORS_QEMU_SOCKETS_H
#define VMRECLAIM_CONTROLLER_HYPERVISORS_QEMU_SOCKETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/error.h"

/* 0: `path` can be that of a QMP socket; -EINVAL. */
int qemu_check_socket(const char *path, struct error *error);

/* A directory's entry is a QMP socket: a UNIX socket called *.qmp or *.sock. */
bool qemu_is_socket(const char *path);

/* What a VM with no other name is called: "web-1" for "/run/qemu/web-1.qmp". */
void qemu_name_socket(const char *path, char *name, size_t size);

/* Whose tools use this socket, by where it is; NULL: nobody's that we know. */
const char *qemu_socket_owner(const char *path);

/* Another number for another socket at this path; 0: there is none. */
uint64_t qemu_identify_socket(const char *path);

#endif
