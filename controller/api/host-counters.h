/* The figures of the daemon and its host, as the table of all figures has them. */
#ifndef VMRECLAIM_CONTROLLER_API_HOST_COUNTERS_H
#define VMRECLAIM_CONTROLLER_API_HOST_COUNTERS_H

#include "controller/api/status.h"
#include "controller/api/vm-sums.h"
#include "controller/telemetry/counters.h"
#include "controller/telemetry/totals.h"

#define HOST_COUNTERS_MAX 640 /* more are left out */

/* Large: for the heap. All of it lives until the message is sent. */
struct host_counters {
    Vmreclaim__Controller__V1__CounterValue values[HOST_COUNTERS_MAX];
    Vmreclaim__Controller__V1__CounterValue *pointers[HOST_COUNTERS_MAX];
    char *labels[HOST_COUNTERS_MAX][COUNTER_LABELS_MAX];
    size_t count;
    Vmreclaim__Controller__V1__GetStatusResponse status;
    struct status_scratch scratch;
    struct error problem;
};

/* What is not known is left out. */
void host_counters_read(const struct api *api, const struct vm_sums *sums,
                        struct host_counters *counters);

#endif
