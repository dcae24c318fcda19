/* The pulse of a balloon: a lease that ends by itself. pulse.h decides; here are its begin, what it
 * is told of the balloon, and its end in the table of leases. Pure.
 *
 * Its lease is in the journal once, as requested: so whoever starts after a crash gives it back.
 * It has no other state there: `released` is written by taking it out. */
#ifndef VMRECLAIM_CONTROLLER_LEASES_BALLOON_PULSE_H
#define VMRECLAIM_CONTROLLER_LEASES_BALLOON_PULSE_H

#include "controller/leases/balloon-leases.h"

/* How much a pulse could take now; its lease is of that. -ENOSPC, -EOPNOTSUPP: as balloon_request;
 * -EBUSY: a pulse is on or another lease moves the balloon; or as pulse_plan. */
int balloon_plan_pulse(const struct balloon_control *control, const struct pulse_limits *limits,
                       uint64_t floor, const struct balloon_input *input, uint64_t *ret_bytes,
                       struct error *error);

/* Begins one under a lease that is in the journal, as the guest is now: it takes the lease's bytes
 * at most. As balloon_plan_pulse. */
int balloon_begin_pulse(struct balloon_control *control, const struct lease *lease,
                        const struct pulse_limits *limits, const struct balloon_input *input,
                        struct error *error);

/* Ends it; harmless when none takes memory. */
void balloon_end_pulse(struct balloon_control *control, enum pulse_end end, nsec_t now);

/* Lets it look at the world, and its lease follow. */
void balloon_see_pulse(struct balloon_control *control, const struct balloon_input *input);

/* It has ended and the command to give back is to be sent, whatever else is under way. */
bool balloon_pulse_hurries(const struct balloon_control *control);

#endif
