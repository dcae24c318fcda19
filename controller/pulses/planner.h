/* Starts pulses by policy, and says of each VM why it gets none. Writes vm->pulses and
 * vm->pulse_text.
 *
 * Theory of operation: every few seconds each VM is looked at: what is known of it becomes the
 * facts that plan.h decides on. What is due is started as any other action is, for the policy. Its
 * end comes as an event, like that of a pulse that an operator asked for, and counts alike.
 *
 * Failure modes: what the means refuse is tried again half a minute later; meanwhile their words
 * are the reason. What is remembered of a VM is forgotten with the daemon: each is watched anew. */
#ifndef VMRECLAIM_CONTROLLER_PULSES_PLANNER_H
#define VMRECLAIM_CONTROLLER_PULSES_PLANNER_H

#include "controller/actions/action.h"
#include "controller/vms/supervisor.h"

#define PULSES_MAX 2 /* of policies at a time: each keeps a CPU of its guest busy */

struct pulse_planner {
    struct supervisor *supervisor;
    struct actions *actions;
    struct supervisor_listener listener;
    unsigned on; /* pulses that it started */
};

void pulse_planner_init(struct pulse_planner *planner, struct supervisor *supervisor,
                        struct actions *actions);

/* Starts none any more; before the actions are stopped. */
void pulse_planner_stop(struct pulse_planner *planner);

#endif
