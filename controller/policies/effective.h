/* The policy that a VM's guest really runs: what is assigned, under the guest's own limits. */
#ifndef VMRECLAIM_CONTROLLER_POLICIES_EFFECTIVE_H
#define VMRECLAIM_CONTROLLER_POLICIES_EFFECTIVE_H

#include "common/policy/policy.h"
#include "controller/vms/vm.h"

/* The guest's own limit for the key, as the agent answered when it took the policy. NULL: there is
 * none; "": there is one, from an agent that does not say which. */
const char *vm_own_limit(const struct vm *vm, const char *key);

/* False: no policy is assigned, the agent runs its own. */
bool vm_effective_policy(const struct vm *vm, struct policy *ret_policy);

#endif
