/* The API's methods that look at records: ListActions, VerifyAction, GetHistory. */
#ifndef VMRECLAIM_CONTROLLER_RECORDS_RECORD_SERVICE_H
#define VMRECLAIM_CONTROLLER_RECORDS_RECORD_SERVICE_H

#include "controller/records/recorder.h"

/* `recorder` lives as long as the API. */
void record_service_init(struct recorder *recorder);

#endif
