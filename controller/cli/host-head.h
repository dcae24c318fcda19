/* What a person is shown of the host itself. */
#ifndef VMRECLAIM_CONTROLLER_CLI_HOST_HEAD_H
#define VMRECLAIM_CONTROLLER_CLI_HOST_HEAD_H

#include <stdint.h>

#include "controller/cli/messages.h"

/* A few sentences: what it has and what is available, pressure, swap, the arbiter. NULL: the daemon
 * said nothing of it. */
void host_print_head(const Host *host);

/* A bar of all its memory: VMs, what else uses it, what is available. Nothing where that is not
 * known. */
void host_print_bar(const Host *host, uint64_t footprint);

#endif
