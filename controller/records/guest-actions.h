/* Records of the guests' own actions, those of their policies.
 *
 * Theory of operation: the controller hears of such an action when it has ended. What the host held
 * when it began is in the VM's history. The guest's figures of that moment are in the result. The
 * record is closed when the guest's kernel has had time to report what was freed.
 *
 * Idle reclaim takes one step per second, and the kernel reports what the steps freed in passes,
 * seconds later. So nobody can know which step returned a page, and actions that settle together
 * are a run. The run's window reaches from the begin of the first to 30 s after the end of the
 * last. What the host got in it is divided among the actions by what each freed in the guest. Their
 * confidence is medium at most. No moment is in two windows. An operator's action ends the run, and
 * a run that goes on for a minute is closed and the next begins. A window begins no earlier than
 * the one before it ended. So the records of a VM sum to what the host really got.
 *
 * The record is in the store from the beginning, unfinished, so that a restart goes on with it.
 *
 * Failure modes: a record has no figure of the host and low confidence, with the reason in words,
 * in three cases. The history may not reach back to the action's begin. An operator's action may be
 * under way, whose record has what comes back. Or the VM ends before its actions have settled. */
#ifndef VMRECLAIM_CONTROLLER_RECORDS_GUEST_ACTIONS_H
#define VMRECLAIM_CONTROLLER_RECORDS_GUEST_ACTIONS_H

#include "controller/records/book.h"
#include "controller/records/track.h"

/* A guest reports an action that has ended. `id` is for its record; `now` is CLOCK_BOOTTIME. */
void guest_action_take(struct recorder *recorder, struct vm *vm,
                       const Vmreclaim__Agent__V1__ActionResult *result, const char *id,
                       nsec_t now);

/* Lets an action whose record is in the store settle on; `track` has its samples. */
void guest_action_resume(struct recorder *recorder, struct track *track,
                         const Vmreclaim__Controller__V1__Action *action, nsec_t now);

/* Closes the run of the VM with this name, if there is one. `vm` has just been measured; NULL: it
 * is gone. */
void guest_run_close(struct recorder *recorder, const char *name, struct vm *vm, nsec_t now);

#endif
