/* Hypervisors that run, found by their command lines: QEMU's names its QMP socket, Firecracker's
 * and Cloud Hypervisor's their API socket.
 *
 * A command line is whatever its process says. So only processes of root, of ourselves and of
 * system users count: a person's own would else pass for another's VM. */
#ifndef VMRECLAIM_CONTROLLER_HYPERVISORS_PROCESSES_H
#define VMRECLAIM_CONTROLLER_HYPERVISORS_PROCESSES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "controller/hypervisors/driver.h"
#include "controller/hypervisors/proxmox-names.h"

#define PROCESS_COMMAND_LINE_MAX (128u * 1024)

/* A hypervisor's process. `vm.where` is "" where it names no socket that we could use. */
struct found_process {
    const char *driver;  /* its name, static: "qemu" */
    uint64_t start_time; /* clock ticks since boot */
    struct driver_vm vm;
};

/* Pure. `command_line` is as in /proc: arguments that each end with '\0'. False: it is none. */
bool process_recognize(const char *command_line, size_t length, struct found_process *ret_found);

/* All below `root`, which has proc/. It blocks: not for the loop's thread. The caller frees the
 * array. -errno: proc/ cannot be read. */
int processes_find(int root, struct found_process **ret_found, size_t *ret_count);

/* Names and tags that Proxmox VE knows them by, as far as they are known in time. As
 * proxmox_names_read: what failed, with all that is known set. */
int processes_name(struct proxmox_names *names, struct found_process *list, size_t count);

#endif
