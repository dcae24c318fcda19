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

#define PROCESS_COMMAND_LINE_MAX (128u * 1024)

/* A hypervisor's process. `vm.where` is "" where it names no socket that we could use. */
struct found_process {
    const char *driver;  /* its name, static: "qemu" */
    uint64_t start_time; /* clock ticks since boot */
    struct driver_vm vm;
};

/* Pure. `command_line` is as in /proc: arguments that each end with '\0'. False: it is none. */
bool process_recognize(const char *command_line, size_t length, struct found_process *ret_found);

/* All below `root`, which has proc/ and etc/. It blocks: not for the loop's thread. The caller
 * frees the array. -errno: proc/ cannot be read. */
int processes_find(int root, struct found_process **ret_found, size_t *ret_count);

#endif
