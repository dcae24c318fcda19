/* How the daemon itself is doing: GetStatus and DumpState. */
#ifndef VMRECLAIM_CONTROLLER_RECORDS_STATUS_SERVICE_H
#define VMRECLAIM_CONTROLLER_RECORDS_STATUS_SERVICE_H

#include "controller/api/api.h"
#include "controller/config/daemon_config.h"
#include "controller/leases/keeper.h"
#include "controller/records/recorder.h"

struct status_service {
    const struct api *api;
    const struct actions *actions;
    const struct recorder *recorder;
    const struct lease_keeper *keeper;
    const struct daemon_config *config;
    int64_t started; /* UNIX nanoseconds */
};

/* Everything lives as long as the API. */
void status_service_init(struct status_service *service, struct api *api,
                         const struct actions *actions, const struct recorder *recorder,
                         const struct lease_keeper *keeper, const struct daemon_config *config,
                         int64_t started);

#endif
