/* The way to a coordinator of the fleet. */
#ifndef VMRECLAIM_CONTROLLER_CLI_COORDINATOR_H
#define VMRECLAIM_CONTROLLER_CLI_COORDINATOR_H

#include "controller/cli/cli.h"

#define FLEET_API "unix:/run/vmreclaim-fleet/fleet.sock"

/* The same command line towards the coordinator: at $VMRECLAIM_FLEET, else FLEET_API. */
struct cli fleet_cli(const struct cli *cli);

#endif
