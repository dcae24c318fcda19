/* The policy that a VM really runs: every value with where it comes from. */
#ifndef VMRECLAIM_CONTROLLER_RECORDS_POLICY_EFFECTIVE_H
#define VMRECLAIM_CONTROLLER_RECORDS_POLICY_EFFECTIVE_H

#include "controller/api/api.h"

/* Serves GetEffectivePolicy. */
void policy_effective_init(struct api *api);

#endif
