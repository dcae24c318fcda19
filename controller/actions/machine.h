/* The life cycle of actions, for the means that carry them out. */
#ifndef VMRECLAIM_CONTROLLER_ACTIONS_MACHINE_H
#define VMRECLAIM_CONTROLLER_ACTIONS_MACHINE_H

#include "controller/actions/life.h"

/* The means have acted; `settles`: what they brought may still come. */
void action_acted(struct action *action, bool settles);

/* They have failed: `reason` says how. */
void action_fail(struct action *action, int status, const char *reason);

/* What a kind needs to know of the VM before it begins: `done` as of fresh_sample_start. */
int action_look_before(const struct action_kind *kind, struct vm *vm, struct fresh_sample *sample,
                       void (*done)(struct vm *vm, void *userdata), void *userdata);

/* Whether the action may be started now, by what is known before it begins. An order that gives
 * memory back is not kept by what is under way. */
int action_may_start(const struct vm *vm, const struct action_request *request,
                     struct error *error);

#endif
