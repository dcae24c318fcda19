/* How active the guest was: a rolling window over intervals between samples, merged into a fixed
 * number of slots. Only intervals that were really observed count: a gap (suspend, pause,
 * migration) empties the window, because what happened in it is not known. */
#ifndef VMRECLAIM_AGENT_ENGINE_ACTIVITY_H
#define VMRECLAIM_AGENT_ENGINE_ACTIVITY_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/time.h"

#define ACTIVITY_SLOTS 32

struct interval {
    nsec_t length;
    nsec_t busy;       /* CPU time of others than us, all CPUs */
    nsec_t capacity;   /* CPU time there was */
    nsec_t psi_memory; /* time some task stalled */
    nsec_t psi_io;
    uint64_t refaults; /* pages */
};

struct activity {
    nsec_t window;
    struct interval slots[ACTIVITY_SLOTS]; /* a ring; the newest is at `newest` */
    unsigned newest;
    unsigned count;
};

void activity_init(struct activity *activity, nsec_t window);

/* Forgets everything: after a gap or when counters ran backwards. */
void activity_clear(struct activity *activity);

void activity_add(struct activity *activity, const struct interval *interval);

/* The newest intervals that cover `length`, or all there are. */
struct interval activity_recent(const struct activity *activity, nsec_t length);

/* How busy the CPUs were, permyriad: of all of them, of at most POLICY_CALM_CPUS. */
uint32_t activity_busy(const struct interval *interval);

/* Permyriad of `whole`; 0 of nothing. */
uint32_t activity_share(uint64_t part, uint64_t whole);

#endif
