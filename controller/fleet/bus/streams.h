/* The streams of a bus's options; of its thread. */
#ifndef VMRECLAIM_CONTROLLER_FLEET_BUS_STREAMS_H
#define VMRECLAIM_CONTROLLER_FLEET_BUS_STREAMS_H

#include "controller/fleet/bus/link.h"
#include "controller/fleet/bus/parts.h"

/* Makes those that are not there. */
natsStatus streams_make(struct bus *bus, struct bus_link *link);

#endif
