/* The daemon's status as a message, for whoever answers with it. */
#ifndef VMRECLAIM_CONTROLLER_API_STATUS_H
#define VMRECLAIM_CONTROLLER_API_STATUS_H

#include "controller.pb-c.h"
#include "controller/config/daemon-config.h"
#include "controller/leases/alarm.h"
#include "controller/vms/registry.h"

struct api;

#define STATUS_DEGRADED_MAX 64

/* What a status points to. */
struct status_scratch {
    Vmreclaim__Controller__V1__Degradation degraded[STATUS_DEGRADED_MAX];
    Vmreclaim__Controller__V1__Degradation *degraded_pointers[STATUS_DEGRADED_MAX];
    char parts[STATUS_DEGRADED_MAX][VM_NAME_SIZE + 16];
    char alarms[STATUS_DEGRADED_MAX][ALARM_BYTES];
    char *listening[DAEMON_LISTEN_MAX + 1];
    Vmreclaim__Fleet__V1__Applied applied;
};

void status_to_message(const struct api *api, Vmreclaim__Controller__V1__GetStatusResponse *status,
                       struct status_scratch *scratch);

#endif
