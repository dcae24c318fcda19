/* Giving a VM its policy for an operator who waits for the agent's answer. */
#ifndef VMRECLAIM_API_POLICIES_H
#define VMRECLAIM_API_POLICIES_H

#include "controller/api/api.h"
#include "controller/policies/waiting.h"

/* Assigns the policy and answers the call when the VM's agent has answered; at once, as pending,
 * when the agent is away. */
void api_policy_assign(struct policy_waits *waits, struct ttrpc_call *call, struct vm *vm,
                       const struct policy *policy);

#endif
