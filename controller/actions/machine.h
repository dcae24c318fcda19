/* The life cycle of actions, for the means that carry them out. */
#ifndef VMRECLAIM_CONTROLLER_ACTIONS_MACHINE_H
#define VMRECLAIM_CONTROLLER_ACTIONS_MACHINE_H

#include "controller/actions/life.h"

/* The means have acted; `settles`: what they brought may still come. */
void action_acted(struct action *action, bool settles);

/* They have failed: `reason` says how. */
void action_fail(struct action *action, int status, const char *reason);

#endif
