/* What may be done to a VM from the screen. */
#ifndef VMRECLAIM_CONTROLLER_CLI_TOP_ACTIONS_H
#define VMRECLAIM_CONTROLLER_CLI_TOP_ACTIONS_H

#include <stddef.h>

#include "controller/cli/top/vms.h"

struct top_action {
    char key;
    const char *name;   /* as the command, and as the step that it takes */
    const char *method; /* of the API */
    const char *what;   /* it gives back */
};

enum { TOP_ACTION_COUNT = 3 };
extern const struct top_action top_actions[TOP_ACTION_COUNT];

/* What it would do to the VM now, as a question: by what the lists say, or by the daemon's plan,
 * which has looked at the guest. */
void top_action_ask(const struct top_action *action, const struct top_vm *vm, char *text,
                    size_t size);
void top_action_ask_planned(const struct top_action *action, const char *vm,
                            const PlannedStep *step, char *text, size_t size);

#endif
