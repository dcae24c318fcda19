/* vmreclaim-fleet beside the hosts: knows all of them, runs rollouts while it leads, and answers
 * who looks. Several are in a fleet, and any of them goes on where another one died. */
#ifndef VMRECLAIM_CONTROLLER_FLEET_COORDINATOR_COORDINATOR_H
#define VMRECLAIM_CONTROLLER_FLEET_COORDINATOR_COORDINATOR_H

#include "controller/fleet/config/config.h"
#include "controller/fleet/coordinator/events.h"
#include "controller/fleet/coordinator/history.h"
#include "controller/fleet/coordinator/orders.h"
#include "controller/fleet/coordinator/renewal.h"
#include "controller/fleet/coordinator/rollouts.h"
#include "controller/fleet/coordinator/service.h"

#define COORDINATOR_STREAMS 6

struct coordinator {
    struct fleet_config config;
    struct bus_stream streams[COORDINATOR_STREAMS];
    struct signing_key key;
    struct bus *bus;
    struct fleet_hosts hosts;
    struct fleet_events events;
    struct rollout_history history;
    struct lease lease;
    struct writer writer;
    struct rollouts rollouts;
    struct renewal renewal;
    struct service service;
};

/* What it keeps on the bus. */
void coordinator_streams(nsec_t lease_time, struct bus_stream ret_streams[COORDINATOR_STREAMS]);

/* The caller's memory, until the loop is dry. */
int coordinator_start(struct coordinator *coordinator, uv_loop_t *loop,
                      const struct fleet_config *config, struct error *error);
void coordinator_stop(struct coordinator *coordinator);

/* After the loop is dry. */
void coordinator_finish(struct coordinator *coordinator);

#endif
