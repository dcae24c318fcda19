/* The API's methods that look at VMs: ListVms, GetVm, Explain, PingVm, ListRanges. */
#ifndef VMRECLAIM_API_VM_SERVICE_H
#define VMRECLAIM_API_VM_SERVICE_H

#include "controller/api/api.h"

/* Adds findings to an explanation. `info` is the agent's GetInfo answer or NULL. What it allocates
 * lives until `release`. */
struct api_explainer {
    void *userdata;
    void (*explain)(const struct supervisor *supervisor, const struct vm *vm,
                    const Vmreclaim__Agent__V1__GetInfoResponse *info,
                    Vmreclaim__Controller__V1__ExplainResponse *response, void *userdata);
    void (*release)(Vmreclaim__Controller__V1__ExplainResponse *response, void *userdata);
};

struct api_vm_service {
    struct api *api;
    const struct api_explainer *explainer; /* NULL: explanations have no findings */
};

/* `service` lives as long as the API. */
void api_vm_service_init(struct api_vm_service *service, struct api *api,
                         const struct api_explainer *explainer);

#endif
