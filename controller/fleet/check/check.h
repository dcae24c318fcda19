/* Whether a host's, or a coordinator's, place in a fleet works: its files, its clock, the bus, the
 * daemon; and of the bus the streams. Connects as the service does, and changes nothing. */
#ifndef VMRECLAIM_CONTROLLER_FLEET_CHECK_CHECK_H
#define VMRECLAIM_CONTROLLER_FLEET_CHECK_CHECK_H

#include <stdio.h>

#include "controller/fleet/config/config.h"

#define CHECK_BRIDGE_USER      "vmreclaim-fleet"
#define CHECK_COORDINATOR_USER "vmreclaim-coordinator"

/* Root becomes the user that the service runs as, for good, so that its rights are looked at. A
 * user that is not there is nobody's rights. -errno with words. */
int check_become(bool is_coordinator, struct error *error);

/* Prints what it finds; returns the number of failures, or -errno with words. */
int check_fleet(const struct fleet_config *config, bool is_coordinator, FILE *output,
                struct error *error);

#endif
