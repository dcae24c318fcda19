/* How many calls there were of each method, and how long they took. */
#ifndef VMRECLAIM_CONTROLLER_API_RPC_TIMES_H
#define VMRECLAIM_CONTROLLER_API_RPC_TIMES_H

#include <stdbool.h>

#include "common/base/time.h"
#include "controller/telemetry/histogram.h"

#define API_METHODS_MAX 48

/* How a call has ended for who made it. */
enum rpc_result {
    RPC_OK,
    RPC_FAILED,
    RPC_LEFT, /* nobody waited any more */
    RPC_RESULT_COUNT,
};

/* "ok", as in metrics. */
const char *rpc_result_name(enum rpc_result result);

struct rpc_method_times {
    uint64_t ended[RPC_RESULT_COUNT];
    nsec_t time; /* of all that have ended */
};

struct rpc_times {
    struct rpc_method_times methods[API_METHODS_MAX]; /* by their place in the service */
    struct histogram reads;                           /* those that get one answer at once */
};

void rpc_times_init(struct rpc_times *times);

/* One more has ended; `method` is its place in the service, `time` until its answer. `is_read`: it
 * reads, and gets one answer. */
void rpc_times_add(struct rpc_times *times, unsigned method, bool is_read, enum rpc_result result,
                   nsec_t time);

#endif
