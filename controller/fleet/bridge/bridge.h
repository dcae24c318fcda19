/* vmreclaim-fleet on a host: what its daemon knows goes to the fleet, what the fleet wants goes to
 * its daemon. It has no rights of its own: the daemon verifies what it is handed. */
#ifndef VMRECLAIM_CONTROLLER_FLEET_BRIDGE_BRIDGE_H
#define VMRECLAIM_CONTROLLER_FLEET_BRIDGE_BRIDGE_H

#include "controller/fleet/bridge/desired.h"
#include "controller/fleet/bridge/reporter.h"
#include "controller/fleet/bridge/teller.h"

struct bridge {
    struct fleet_config config;
    struct upstream upstream;
    struct fetcher fetcher;
    struct bus *bus;
    struct reporter reporter;
    struct desired desired;
    struct teller teller;
};

/* The caller's memory, until the loop is dry. */
int bridge_start(struct bridge *bridge, uv_loop_t *loop, const struct fleet_config *config,
                 struct error *error);
void bridge_stop(struct bridge *bridge);

#endif
