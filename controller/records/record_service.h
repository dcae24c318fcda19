/* The API's methods that look at records: ListActions, VerifyAction, GetHistory. */
#ifndef VMRECLAIM_CONTROLLER_RECORDS_RECORD_SERVICE_H
#define VMRECLAIM_CONTROLLER_RECORDS_RECORD_SERVICE_H

#include "controller/api/api.h"
#include "controller/records/recorder.h"

struct record_service {
    struct api *api;
    struct recorder *recorder;
};

/* Everything lives as long as the API. */
void record_service_init(struct record_service *service, struct api *api,
                         struct recorder *recorder);

#endif
