/* Words for what the arbiter decides. */
#include "controller/arbiter/text.h"

static const char *const states[ARBITER_STATE_COUNT] = {
    [ARBITER_RESTING] = "resting",
    [ARBITER_TAKING] = "taking",
    [ARBITER_CRITICAL] = "critical",
    [ARBITER_GIVING] = "giving",
};

static const char *const steps[ARBITER_STEP_COUNT] = {
    [ARBITER_NO_STEP] = "none", [ARBITER_RECLAIM] = "reclaim", [ARBITER_COMPACT] = "compact",
    [ARBITER_PULSE] = "pulse",  [ARBITER_LEASE] = "lease",     [ARBITER_GIVE_BACK] = "give-back",
};

const char *arbiter_state_name(enum arbiter_state state)
{
    return states[state];
}

const char *arbiter_step_name(enum arbiter_step step)
{
    return steps[step];
}
