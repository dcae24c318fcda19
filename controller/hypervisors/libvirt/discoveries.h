/* Discoveries: who is notified of all domains that run. */
#ifndef VMRECLAIM_CONTROLLER_HYPERVISORS_LIBVIRT_DISCOVERIES_H
#define VMRECLAIM_CONTROLLER_HYPERVISORS_LIBVIRT_DISCOVERIES_H

#include "controller/hypervisors/libvirt/host.h"

int discovery_open(uv_loop_t *loop, const char *place, nsec_t timeout,
                   const struct driver_discovery_callbacks *callbacks, void *userdata,
                   struct driver_discovery **ret_discovery);
void discovery_tick(struct driver_discovery *discovery, nsec_t now);
void discovery_close(struct driver_discovery *discovery);

#endif
