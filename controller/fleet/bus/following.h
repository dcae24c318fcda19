/* What a bus is subscribed to; of its thread. */
#ifndef VMRECLAIM_CONTROLLER_FLEET_BUS_FOLLOWING_H
#define VMRECLAIM_CONTROLLER_FLEET_BUS_FOLLOWING_H

#include "controller/fleet/bus/link.h"
#include "controller/fleet/bus/parts.h"

/* All of it. After a failure some are subscribed to. */
natsStatus following_begin(struct bus *bus, struct bus_link *link);
void following_end(struct bus *bus);

#endif
