/* Sockets of microVMs' APIs as addresses of VMs, and paths as their processes see them. */
#ifndef VMRECLAIM_CONTROLLER_HYPERVISORS_MICROVM_PLACE_H
#define VMRECLAIM_CONTROLLER_HYPERVISORS_MICROVM_PLACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/base/error.h"

/* 0: `path` can be that of such a socket; -EINVAL. */
int microvm_check(const char *path, struct error *error);

/* A directory's entry may be such a socket: a UNIX socket called *.sock, *.socket or *.api, and not
 * for vsock. */
bool microvm_is_socket(const char *path);

/* What a VM with no other name is called: the jail it is in, else the file's name. Where all files
 * are called alike, the name of its directory. */
void microvm_suggest_name(const char *path, char *name, size_t size);

/* The host's path of what process `pid` calls `path`, as process-path.h has it. "": there is no
 * such socket, it is not the process' user's, or the path is too long. */
void microvm_resolve(pid_t pid, const char *path, char *resolved, size_t size);

/* Whether the process knows itself under that number, as one in another PID namespace does. */
bool microvm_calls_itself(pid_t pid, int64_t number);

#endif
