/* vmreclaimd --release-expired and --release-all: give memory of leases back when no daemon does.
 * A timer runs the first, and the unit's OnFailure; the second is for who takes the daemon away. */
#ifndef VMRECLAIM_CONTROLLER_RELEASE_H
#define VMRECLAIM_CONTROLLER_RELEASE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/error.h"
#include "controller/config/daemon-config.h"

/* `all`: also those that are not over. `ret_released`: leases given back. 0 with none when a daemon
 * is running and expired ones are asked for: it does it itself. -EBUSY: one is running and would
 * keep the others. -ETIMEDOUT: a hypervisor did not follow, its lease stays in the journal. */
int release_leases(const struct daemon_sources *sources, int root, bool all, size_t *ret_released,
                   struct error *error);

#endif
