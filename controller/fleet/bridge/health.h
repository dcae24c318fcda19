/* What does not work in the daemon, looked at again and again: what has begun and what is over is
 * news. Pure. */
#ifndef VMRECLAIM_CONTROLLER_FLEET_BRIDGE_HEALTH_H
#define VMRECLAIM_CONTROLLER_FLEET_BRIDGE_HEALTH_H

#include "controller/fleet/bridge/news.h"

#define HEALTH_PARTS_MAX 64u /* further ones are not told */
#define HEALTH_PART_SIZE 96

struct health {
    char parts[HEALTH_PARTS_MAX][HEALTH_PART_SIZE]; /* degraded when it was looked at last */
    size_t count;
};

/* Adds to the news what is different now; `time` is UNIX nanoseconds. Zeroed: nothing was. */
void health_look(struct health *health, const Vmreclaim__Controller__V1__GetStatusResponse *status,
                 int64_t time, struct news *news);

#endif
