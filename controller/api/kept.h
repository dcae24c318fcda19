/* What users may make the daemon keep on disk: policies, actions, the audit.
 *
 * A bucket of bytes, kept as one time. `burst` may be kept at once, `per_second` in the long run.
 */
#ifndef VMRECLAIM_CONTROLLER_API_KEPT_H
#define VMRECLAIM_CONTROLLER_API_KEPT_H

#include <stdint.h>

#include "common/base/time.h"

struct kept_share {
    uint64_t per_second; /* bytes; not 0 */
    uint64_t burst;
    struct kept_share *whole; /* what this one is a part of; NULL: nothing */
    nsec_t full;              /* CLOCK_BOOTTIME when all of `burst` is there again */
};

/* Takes the bytes from the share and from what it is a part of. Else nothing is taken: how long it
 * is until they are there. `bytes` is not more than any burst. */
nsec_t kept_share_take(struct kept_share *share, uint64_t bytes, nsec_t now);

#endif
