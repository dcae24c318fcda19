/* vmreclaimd --release-expired: gives memory of expired leases back when no daemon does. A timer
 * runs it, and the unit's OnFailure. */
#ifndef VMRECLAIM_CONTROLLER_RELEASE_H
#define VMRECLAIM_CONTROLLER_RELEASE_H

#include <stddef.h>

#include "common/base/error.h"
#include "controller/config/daemon-config.h"

/* `ret_released`: leases given back. 0 with none when a daemon is running: it does it itself.
 * -ETIMEDOUT: a hypervisor did not follow, its lease stays in the journal. */
int release_expired(const struct daemon_sources *sources, int root, size_t *ret_released,
                    struct error *error);

#endif
