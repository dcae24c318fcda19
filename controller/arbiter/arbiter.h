/* What is done about a host that runs short of memory. Pure: no clock, no file; memory is allocated
 * when the number of VMs grows, never per step.
 *
 * Theory of operation: once a second the caller shows the host and all VMs as they are. The answer
 * is a list of requests, which the caller starts as actions. A plan is the same step over copies of
 * the arbiter's state and of the VMs' memories, printed instead.
 *
 *     resting <--> taking <--> critical          below low take, until high is reached
 *        ^                                       below critical: no cool-downs, larger steps
 *        +------> giving                         above high with leases out: the neediest first
 *
 * What is compared with the watermarks is what is available less what is promised, plus what is on
 * its way (struct arbiter_view).
 *
 * Taken is what hurts least: cold cache, then trapped memory, then free memory by a pulse, and by
 * balloon leases last: first what a guest does not work with, then down to what shares.h leaves it.
 * What counts is what the host holds for a guest. Its kernel keeps some memory free that no size
 * brings: a lease is larger by that, so that each ends at its share.
 * A lease never goes below the floor. Below what its guest says that it needs it goes in small
 * steps only, and while the others have too little: a guest that lies keeps no more than its
 * untaxed share.
 *
 * A guest in need gets its memory back at once. What was given back is promised to it until it has
 * grown, or the promise ends. A VM's direction changes at most ARBITER_CHANGES_MAX times an hour;
 * one change is kept for a need, which is never refused.
 *
 * Failure modes: what is not known is a reason against taking. A guest that stalls is asked no more
 * for a while, and its part is taken from the others. A step that brings little pauses longer each
 * time. What somebody else moves is left alone. */
#ifndef VMRECLAIM_CONTROLLER_ARBITER_ARBITER_H
#define VMRECLAIM_CONTROLLER_ARBITER_ARBITER_H

#include "controller/arbiter/facts.h"
#include "controller/arbiter/memory.h"
#include "controller/arbiter/text.h"
#include "controller/arbiter/types.h"

void arbiter_init(struct arbiter *arbiter);
void arbiter_finish(struct arbiter *arbiter);

/* Decides. Fills `requests`, one per VM at most, so there must be room for `count`; `ret_count` are
 * those that were filled, the most urgent first. Each VM's memory has the reason, also where
 * nothing is asked. -ENOMEM: nothing was decided. */
int arbiter_step(struct arbiter *arbiter, const struct arbiter_host *host, struct arbiter_vm vms[],
                 size_t count, struct arbiter_request requests[], size_t *ret_count);

/* What the host has, as the last step would count it now. */
struct arbiter_view arbiter_look(const struct arbiter_host *host, const struct arbiter_vm vms[],
                                 size_t count);

#endif
