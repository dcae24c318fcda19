/* What an action or a squeeze would do to a VM, and what would be refused: nothing is done.
 *
 * Theory of operation: the guest is looked at as before the action itself, and then the action's
 * own gates are asked, in their order: those of the machine, of its kind, and of the balloon's
 * leases. A squeeze's plan is gone through with what each step promises as what it brings. What
 * only the agent would refuse is taken from what it says of itself.
 *
 * Failure modes: an agent that does not answer leaves the last sample, as it does before an action.
 * What a step brings is an estimate: the next one may find more or less. */
#ifndef VMRECLAIM_CONTROLLER_ACTIONS_PLANNING_H
#define VMRECLAIM_CONTROLLER_ACTIONS_PLANNING_H

#include "controller/actions/squeeze.h"

/* One action, or one step of a squeeze. */
struct planned_step {
    const char *name;   /* of the action's kind, or of the step; static */
    int status;         /* 0: it would be begun; else what it would be refused with ... */
    struct error error; /* ... and in words */
    bool gain_is_known;
    uint64_t gain;    /* bytes that the host is expected to get */
    const char *note; /* why it gets less than the guest lets go; "": it does not. Static */
};

struct action_plan {
    struct planned_step steps[SQUEEZE_STEPS_MAX];
    size_t count;
    enum squeeze_end end; /* of a squeeze; SQUEEZE_GOES_ON: of an action */
};

/* What is asked. */
struct planning_asked {
    const struct squeeze_asked *squeeze; /* NULL: an action */
    struct action_request action;
    const char *asked_by;
};

/* Whether the look at the VM has its hypervisor ask the guest, for which it is set how often that
 * does: who may only look must not have it done. */
bool planning_sets_hypervisor(const struct vm *vm, const struct planning_asked *asked);

struct planning;

/* `vm` NULL: it went away meanwhile, and there is no plan. The plan lives until it returns. */
typedef void (*planning_done)(const struct vm *vm, const struct action_plan *plan, void *userdata);

/* `done` is called once, maybe before this returns. -ENOMEM. `ret_planning` is NULL when it was. */
int planning_start(struct actions *actions, struct squeezes *squeezes, struct vm *vm,
                   const struct planning_asked *asked, planning_done done, void *userdata,
                   struct planning **ret_planning);

/* Nobody wants it any more: `done` is not called. */
void planning_cancel(struct planning *planning);

#endif
