/* What a person is shown of the host itself. */
#ifndef VMRECLAIM_CONTROLLER_CLI_HOST_HEAD_H
#define VMRECLAIM_CONTROLLER_CLI_HOST_HEAD_H

#include <stdint.h>

#include "controller/cli/messages.h"

/* Names and values: what it has, what is available, pressure, swap, the arbiter. `vms` is what is
 * said of VMs; NULL: nothing. `host` NULL: the daemon said nothing of it. An exit code. */
int host_print_head(const Host *host, const char *vms);

/* A bar of all its memory: VMs, what else uses it, what is available. Nothing where that is not
 * known. */
void host_print_bar(const Host *host, uint64_t footprint);

#endif
