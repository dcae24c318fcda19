/* What a VM runs: each value with where it comes from. */
#ifndef VMRECLAIM_CONTROLLER_CLI_POLICY_EFFECTIVE_H
#define VMRECLAIM_CONTROLLER_CLI_POLICY_EFFECTIVE_H

#include "controller/cli/messages.h"

typedef Vmreclaim__Controller__V1__GetEffectivePolicyResponse GetEffectivePolicyResponse;

/* An exit code. */
int policy_effective_print(const GetEffectivePolicyResponse *response);

#endif
