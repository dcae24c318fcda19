/* The API's methods that look at VMs: ListVms, GetVm, Explain, PingVm, ListRanges. */
#ifndef VMRECLAIM_API_VM_SERVICE_H
#define VMRECLAIM_API_VM_SERVICE_H

#include "controller/api/api.h"

struct api_vm_service {
    struct api *api;
};

/* `service` lives as long as the API. */
void api_vm_service_init(struct api_vm_service *service, struct api *api);

#endif
