/* What a bus is subscribed to; of its thread. */
#ifndef VMRECLAIM_CONTROLLER_FLEET_BUS_FOLLOWING_H
#define VMRECLAIM_CONTROLLER_FLEET_BUS_FOLLOWING_H

#include "controller/fleet/bus/link.h"
#include "controller/fleet/bus/parts.h"

/* All of it. After a failure some are subscribed to. */
natsStatus following_begin(struct bus *bus, struct bus_link *link);
void following_end(struct bus *bus);

/* How often the server says that it is there; after three in vain it is not. */
#define FOLLOWING_HEARTBEAT ((int64_t)(5 * NSEC_PER_SEC))
#define FOLLOWING_SILENCE   (15 * NSEC_PER_SEC)

/* Of a stream that is followed nothing comes any more, CLOCK_MONOTONIC. Under the lock. */
bool following_is_silent(const struct bus *bus, nsec_t now);

#endif
