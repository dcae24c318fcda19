/* What a new host of a fleet begins with: an id, a key of its own, and a configuration. */
#ifndef VMRECLAIM_CONTROLLER_FLEET_ENROL_JOIN_H
#define VMRECLAIM_CONTROLLER_FLEET_ENROL_JOIN_H

#include <stddef.h>

#include "common/base/error.h"

#define JOIN_USER "vmreclaim-fleet" /* that the bridge runs as, and is to own its key */

struct join {
    const char *config;    /* file that is made */
    const char *host;      /* NULL: of the system's machine-id */
    const char *authority; /* NULL: the system's */
    const char *const *servers;
    size_t server_count;
};

/* Makes the configuration, and beside it "fleet.nkey"; what is there already stays. Prints what is
 * to be done with them. -EINVAL: of what was given; -errno. */
int join_fleet(const struct join *join, struct error *error);

#endif
