/* Keeps every VM's record true: makes the parts of a VM work together.
 *
 * Theory of operation: one timer ticks ten times a second and visits a tenth of the VMs each time.
 * So each VM is looked at once per second, and no VM has a timer of its own. A guest's sample
 * arrives by itself; the host is measured in the same moment, so the two belong together. Parts lie
 * in layers: sources -> announce -> links -> agent -> hypervisor -> measured -> life. One calls
 * those below it; what it has for those above is an event, which is routed to them here. */
#ifndef VMRECLAIM_CONTROLLER_VMS_TICK_H
#define VMRECLAIM_CONTROLLER_VMS_TICK_H

#include "controller/vms/supervisor.h"

#define SUPERVISOR_TICK (100 * NSEC_PER_MSEC)

/* `root` stays the caller's. */
int supervisor_init(struct supervisor *supervisor, uv_loop_t *loop, int root,
                    nsec_t sample_interval);

/* Closes sessions and links; run the loop until it is empty, then supervisor_finish. */
void supervisor_stop(struct supervisor *supervisor);
void supervisor_finish(struct supervisor *supervisor);

/* Visits one slot; what the timer does. `now` is CLOCK_BOOTTIME. */
void supervisor_tick(struct supervisor *supervisor, nsec_t now);

#endif
