/* What was asked of the bus; of its thread. */
#ifndef VMRECLAIM_CONTROLLER_FLEET_BUS_REQUESTS_H
#define VMRECLAIM_CONTROLLER_FLEET_BUS_REQUESTS_H

#include "controller/fleet/bus/link.h"
#include "controller/fleet/bus/parts.h"

/* Does it and fills the answer in. */
void requests_do(struct bus_link *link, struct bus_request *request);

#endif
