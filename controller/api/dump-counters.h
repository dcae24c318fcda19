/* All figures as parts of a dump: "vm_memory_bytes{part=cache}": 4096. */
#ifndef VMRECLAIM_CONTROLLER_API_DUMP_COUNTERS_H
#define VMRECLAIM_CONTROLLER_API_DUMP_COUNTERS_H

#include <jansson.h>

#include "controller/telemetry/counters.h"
#include "controller/vms/supervisor.h"

struct api;
struct vm_sums;

/* The daemon's and the host's. NULL: no memory. */
json_t *dump_host_counters(const struct api *api, const struct vm_sums *sums);

/* A VM's. NULL: no memory. */
json_t *dump_vm_counters(const struct supervisor *supervisor, const struct vm *vm,
                         const struct counter_places *places);

#endif
