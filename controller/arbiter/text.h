/* Words for what the arbiter decides. */
#ifndef VMRECLAIM_CONTROLLER_ARBITER_TEXT_H
#define VMRECLAIM_CONTROLLER_ARBITER_TEXT_H

#include "controller/arbiter/types.h"

/* Why, in one line with its numbers, without a full stop and without the VM's name. */
const char *arbiter_text(enum arbiter_step step, enum arbiter_reason reason, uint64_t bytes,
                         const struct arbiter_figures *figures, char text[ARBITER_TEXT_SIZE]);

/* "over-share", "taking", "lease": for JSON, events and tests. */
const char *arbiter_reason_name(enum arbiter_reason reason);
const char *arbiter_state_name(enum arbiter_state state);
const char *arbiter_step_name(enum arbiter_step step);

#endif
