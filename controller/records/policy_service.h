/* Policies for operators: applied, looked at, rolled back, taken away. */
#ifndef VMRECLAIM_CONTROLLER_RECORDS_POLICY_SERVICE_H
#define VMRECLAIM_CONTROLLER_RECORDS_POLICY_SERVICE_H

#include "controller/api/policies.h"
#include "controller/policies/assignments.h"

struct policy_service {
    struct api *api;
    struct store *store;
    struct policy_waits waits;
    struct policy_assignments assignments;
};

/* Replaces the API's own ApplyPolicy. Both live as long as the API. */
void policy_service_init(struct policy_service *service, struct api *api, struct store *store);

#endif
