/* How long the turns of an event loop take, without the time in which it waits. */
#ifndef VMRECLAIM_CONTROLLER_TELEMETRY_TURNS_H
#define VMRECLAIM_CONTROLLER_TELEMETRY_TURNS_H

#include <uv.h>

#include "controller/telemetry/histogram.h"

struct turns {
    uv_check_t check;
    uint64_t last; /* CLOCK_MONOTONIC; 0: there was no turn yet */
    uint64_t idle; /* of the loop until then */
    struct histogram times;
};

/* Does not keep the loop running. -errno of libuv. */
int turns_init(struct turns *turns, uv_loop_t *loop);

/* Run the loop until it is empty. */
void turns_stop(struct turns *turns);

#endif
