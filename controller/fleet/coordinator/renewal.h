/* Signs again what is to hold on: states that the former key has signed, so that it can be given
 * up; those that soon expire; those of which the stream has an older one now; and those that were
 * signed by a clock that was ahead, which hosts refuse until it is that late. What a host is to run
 * stays the same. A few at a time, and only while this coordinator leads. */
#ifndef VMRECLAIM_CONTROLLER_FLEET_COORDINATOR_RENEWAL_H
#define VMRECLAIM_CONTROLLER_FLEET_COORDINATOR_RENEWAL_H

#include <uv.h>

#include "controller/fleet/coordinator/lease.h"
#include "controller/fleet/coordinator/writer.h"

/* A state with less left is signed again. */
#define RENEWAL_LEFT (WRITER_EXPIRES / 4)

/* Of WRITES_MAX: rollouts go first. */
#define RENEWALS_MAX (WRITES_MAX / 4)

struct renewal {
    uv_timer_t timer;
    struct fleet_hosts *hosts;
    struct writer *writer;
    const struct lease *lease;
};

/* The caller's memory, until the loop is dry. */
void renewal_init(struct renewal *renewal, uv_loop_t *loop, struct fleet_hosts *hosts,
                  struct writer *writer, const struct lease *lease);
void renewal_stop(struct renewal *renewal);

/* The timer's turn. `now`: UNIX nanoseconds. */
void renewal_turn(struct renewal *renewal, int64_t now);

#endif
