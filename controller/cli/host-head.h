/* What a person is shown of the host itself. */
#ifndef VMRECLAIM_CONTROLLER_CLI_HOST_HEAD_H
#define VMRECLAIM_CONTROLLER_CLI_HOST_HEAD_H

#include <stdint.h>

#include "controller/cli/bar.h"
#include "controller/cli/messages.h"

/* Names and values of what the host itself has: "memory", "64.0 GiB, available 16.0 GiB". */
typedef void (*host_head_add)(const char *name, const char *value, void *userdata);
void host_head_rows(const Host *host, host_head_add add, void *userdata);

/* The parts of its memory: V for VMs, o for what else uses it; the rest is available. */
enum { HOST_PARTS_MAX = 2 };
void host_parts(uint64_t total, uint64_t available, uint64_t footprint,
                struct bar_part parts[static HOST_PARTS_MAX]);

/* The same as a table. `vms` is what is said of VMs; NULL: nothing. `host` NULL: the daemon said
 * nothing of it. An exit code. */
int host_print_head(const Host *host, const char *vms);

/* A bar of all its memory: VMs, what else uses it, what is available. Nothing where that is not
 * known. */
void host_print_bar(const Host *host, uint64_t footprint);

#endif
