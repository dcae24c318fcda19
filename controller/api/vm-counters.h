/* A VM's figures, as the table of all figures has them. */
#ifndef VMRECLAIM_CONTROLLER_API_VM_COUNTERS_H
#define VMRECLAIM_CONTROLLER_API_VM_COUNTERS_H

#include "controller/api/returning.h"
#include "controller/messages/vm.h"
#include "controller/telemetry/counters.h"

/* What the message points to besides the VM; all of it lives until the message is sent. */
struct vm_counters {
    Vmreclaim__Controller__V1__VmCounters message;
    uint32_t series[COUNTER_SERIES_MAX];
    int64_t values[COUNTER_SERIES_MAX];
    uint32_t text_series[COUNTER_SERIES_MAX];
    char *texts[COUNTER_SERIES_MAX];
    char reporting[16];
    struct returns_message returns;
    struct vm_message shown;
};

/* What is not known is left out. */
void vm_counters_read(const struct supervisor *supervisor, const struct vm *vm,
                      const struct counter_places *places, struct vm_counters *counters);

#endif
