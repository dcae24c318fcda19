/* Carries out what the arbiter asks for: each request is an action as any other, for "arbiter". */
#ifndef VMRECLAIM_CONTROLLER_ARBITER_ACT_H
#define VMRECLAIM_CONTROLLER_ARBITER_ACT_H

#include "controller/arbiter/keeping.h"

/* Actions that take, side by side. What gives back waits for none. */
#define ARBITER_ACTIONS_MAX 16

/* Starts the request's action, or puts it off; an event of the VM says why, in one line. What came
 * of it the VM's memory is told, in `kept`. */
void arbiter_act(struct arbiter_keeper *keeper, struct vm *vm, const struct arbiter_vm *facts,
                 const struct arbiter_request *request);

/* Gives what the arbiter holds of the VM back. `why` is one line. Where that is refused an event of
 * the VM says so, once until it is not. */
void arbiter_give_all(struct arbiter_keeper *keeper, struct vm *vm, const char *why);

#endif
