/* Policies from the store: applied, assigned to VMs by name, label and glob, rolled back. A VM that
 * appears gets what is assigned to it; what its own file names holds where nothing is. */
#ifndef VMRECLAIM_CONTROLLER_RECORDS_POLICY_SERVICE_H
#define VMRECLAIM_CONTROLLER_RECORDS_POLICY_SERVICE_H

#include "controller/api/policies.h"
#include "controller/store/store.h"

struct policy_service {
    struct api *api;
    struct store *store;
    struct api_policy_waits waits;
    struct supervisor_listener listener;
};

/* Replaces the API's own ApplyPolicy. Both live as long as the API. */
void policy_service_init(struct policy_service *service, struct api *api, struct store *store);

/* Whether the store assigns a policy to the VM. */
bool policy_service_assigns(const struct policy_service *service, const struct vm *vm);

#endif
