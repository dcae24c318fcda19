/* What a coordinator answers on its UNIX socket (fleet.proto, Fleet). Who may open the socket may
 * look and order: the socket's group decides. */
#ifndef VMRECLAIM_CONTROLLER_FLEET_COORDINATOR_SERVICE_H
#define VMRECLAIM_CONTROLLER_FLEET_COORDINATOR_SERVICE_H

#include "controller/fleet/coordinator/service-methods.h"

/* -EINVAL: `address` is none; or errno of listening. */
int service_start(struct service *service, uv_loop_t *loop, const char *address,
                  struct fleet_hosts *hosts, struct rollouts *rollouts, const struct lease *lease,
                  struct error *error);
/* Run the loop until it is dry. */
void service_stop(struct service *service);

void service_on_bus(struct service *service, bool is_there, const char *problem);

#endif
