/* ApplyPolicy without a store: the policy is assigned to one VM and lives as long as the daemon.
 * The store's service replaces it. */
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

struct api_policies {
    struct api *api;
    struct api_policy_waits waits;
    uint64_t revision; /* the last one given */
};

void api_policies_init(struct api_policies *policies, struct api *api);

#endif
