/* The connection that the thread of the bus has. */
#ifndef VMRECLAIM_CONTROLLER_FLEET_BUS_LINK_H
#define VMRECLAIM_CONTROLLER_FLEET_BUS_LINK_H

#include <nats/nats.h>

#include "common/base/time.h"
#include "controller/fleet/bus/parts.h"

#define LINK_WAIT_MS 2000 /* for an answer */

struct bus_link {
    natsConnection *connection; /* NULL: there is none */
    jsCtx *stream;
    nsec_t due; /* of the next try, CLOCK_MONOTONIC */
    nsec_t pause;
    char told[BUS_PROBLEM_SIZE]; /* the problem; "": none */
};

/* The first that fails. */
#define TRY(status, call)                                                                          \
    do {                                                                                           \
        if ((status) == NATS_OK)                                                                   \
            (status) = (call);                                                                     \
    } while (0)

#endif
