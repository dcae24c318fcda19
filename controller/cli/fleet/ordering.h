/* What the commands share that order a rollout. */
#ifndef VMRECLAIM_CONTROLLER_CLI_FLEET_ORDERING_H
#define VMRECLAIM_CONTROLLER_CLI_FLEET_ORDERING_H

#include "controller/cli/fleet/fleet.h"

/* --reason; ended by a NULL name. */
extern const struct command_option fleet_order_options[];

/* Orders the rollout that `id` names, and shows its state. An exit code. */
int fleet_order(struct cli *cli, char *id, Vmreclaim__Fleet__V1__RolloutVerb verb);

#endif
