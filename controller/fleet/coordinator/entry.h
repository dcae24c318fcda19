/* One host's desired state, with the entry of a rollout's policy changed. Pure. */
#ifndef VMRECLAIM_CONTROLLER_FLEET_COORDINATOR_ENTRY_H
#define VMRECLAIM_CONTROLLER_FLEET_COORDINATOR_ENTRY_H

#include "controller/fleet/engine/rollout.h"
#include "controller/signing/signed-state.h"

/* The entry of the policy becomes the rollout's; what was there becomes its previous one. 1; 0:
 * nothing, it is the rollout's already; -ENOMEM, the state is then to be thrown away. */
int entry_apply(DesiredState *state, const Rollout *rollout);

/* Where the entry is the rollout's, it becomes its previous one, or goes. 1, 0 and -ENOMEM as
 * above. */
int entry_revert(DesiredState *state, const Rollout *rollout);

#endif
