/* Records of the guests' own actions, those of their policies.
 *
 * Theory of operation: such an action is heard of when it has ended. What the host held when it
 * began is in the VM's history, the guest's figures of then are in its result, and it is closed
 * when the guest's kernel has had time to report what it freed.
 *
 * Idle reclaim sends one step per second, and the kernel reports what all of them freed in passes,
 * seconds later: whose a returned page was, nobody can tell. So actions that settle together are a
 * run. What the host got from the begin of the first to 30 s after the end of the last is divided
 * among them by what each freed in the guest, and their confidence is medium at most. No moment is
 * in two windows: an operator's action ends the run, a run that goes on for a minute is closed and
 * the next begins, and a window begins where the one before ended if its first action began
 * earlier. So the records of a VM sum to what the host really got.
 *
 * The record is in the store from the beginning, unfinished, so that a restart goes on with it.
 *
 * Failure modes: the history does not reach the action's begin, or an operator's action is under
 * way, whose record has what comes back, or the VM ends before its actions have settled: no figure
 * of the host and low confidence, with the reason in words. */
#ifndef VMRECLAIM_CONTROLLER_RECORDS_GUEST_ACTIONS_H
#define VMRECLAIM_CONTROLLER_RECORDS_GUEST_ACTIONS_H

#include "controller/records/book.h"
#include "controller/records/track.h"

/* A guest tells of an action that has ended. `id` is for its record; `now` is CLOCK_BOOTTIME. */
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
