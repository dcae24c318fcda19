/* The words for the engine's reasons. */
#include "agent/engine/decision.h"

static const char *const reason_texts[ENGINE_REASON_COUNT] = {
    [ENGINE_WARMING_UP] = "collecting the first samples",
    [ENGINE_BUSY] = "the guest is busy",
    [ENGINE_PRESSURE] = "tasks are stalled on memory or I/O",
    [ENGINE_REFAULTS] = "the guest reads back cache that was taken",
    [ENGINE_NOT_YET_IDLE] = "calm, but not yet for the policy's idle window",
    [ENGINE_NEVER_IDLE] =
        ("not idle for half an hour, and this policy does nothing to a guest that "
         "works; one with a trickle would, as profile balanced has"),
    [ENGINE_ACTING] = "an action is running",
    [ENGINE_SETTLING] = "waiting for the kernel to report freed memory to the host",
    [ENGINE_BACKED_OFF] = "the last attempts did not pay, waiting longer between them",
    [ENGINE_BUDGET_SPENT] = "this hour's CPU budget is spent",
    [ENGINE_FORBIDDEN] = "a schedule forbids it now",
    [ENGINE_OBSERVING] = "the policy only observes",
    [ENGINE_NOTHING_TO_GAIN] = "nothing left that would be worth its cost",
    [ENGINE_IDLE_WORK] = "the guest is idle",
    [ENGINE_TRICKLE] = "the guest is never idle: a bounded amount is taken all the same",
    [ENGINE_RESTORING] = "putting the reporting order back",
};

const char *engine_reason_text(enum engine_reason reason)
{
    return (unsigned)reason < ENGINE_REASON_COUNT ? reason_texts[reason] : "unknown";
}
