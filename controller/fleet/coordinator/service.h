/* What a coordinator answers on its UNIX sockets (fleet.proto, Fleet). Who may open the first may
 * look and order, who may open the second may look: their groups decide. */
#ifndef VMRECLAIM_CONTROLLER_FLEET_COORDINATOR_SERVICE_H
#define VMRECLAIM_CONTROLLER_FLEET_COORDINATOR_SERVICE_H

#include "controller/fleet/coordinator/service-methods.h"

/* Addresses; "" for readers: nowhere. */
struct service_addresses {
    const char *listen;
    const char *listen_read;
};

/* -EINVAL: an address is none; or errno of listening. */
int service_start(struct service *service, uv_loop_t *loop,
                  const struct service_addresses *addresses, struct fleet_hosts *hosts,
                  struct rollouts *rollouts, const struct lease *lease, struct error *error);
/* Run the loop until it is dry. */
void service_stop(struct service *service);

void service_on_bus(struct service *service, bool is_there, const char *problem);

#endif
