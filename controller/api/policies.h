/* Giving a VM its policy for an operator who waits for the agent's answer. */
#ifndef VMRECLAIM_API_POLICIES_H
#define VMRECLAIM_API_POLICIES_H

#include "controller/api/api.h"

/* Calls that wait for an agent's answer to its new policy. */
struct api_policy_waits {
    struct api *api;
    struct supervisor_listener listener;
    struct list waits;
};

void api_policy_waits_init(struct api_policy_waits *waits, struct api *api);

/* Assigns the policy and answers the call when the VM's agent has answered; at once, as pending,
 * when the agent is away. */
void api_policy_assign(struct api_policy_waits *waits, struct ttrpc_call *call, struct vm *vm,
                       const struct policy *policy);

#endif
