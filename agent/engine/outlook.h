/* What the engine would do if the guest went on as it was between two samples: the engine itself,
 * run ahead on virtual time. Pure, like the engine. */
#ifndef VMRECLAIM_AGENT_ENGINE_OUTLOOK_H
#define VMRECLAIM_AGENT_ENGINE_OUTLOOK_H

#include <stddef.h>

#include "agent/engine/engine.h"

#define OUTLOOK_STEPS_MAX 16 /* one kind of action in one mode is one step */

struct outlook_step {
    enum action_kind action;
    enum engine_reason mode; /* ENGINE_IDLE_WORK or ENGINE_TRICKLE */
    unsigned count;
    nsec_t first; /* from the second sample on */
    nsec_t last;
    uint64_t gain; /* bytes, at best */
    uint32_t order;
};

struct outlook {
    struct outlook_step steps[OUTLOOK_STEPS_MAX];
    size_t step_count;
    uint64_t gain;             /* of all steps */
    enum engine_reason reason; /* what holds at the end: without steps, why nothing is done */
};

struct outlook_question {
    const struct policy *policy;
    const struct memory_sample *first; /* seconds apart: they show how the guest goes on */
    const struct memory_sample *second;
    uint32_t lowest_order; /* as in engine_set_lowest_order() */
    int64_t wall_time;     /* nanoseconds since the epoch at the second sample */
    uint32_t impossible;   /* bit per action_kind: this kernel has no way to do it */
    nsec_t length;         /* how far to look */
};

/* Every action is taken to bring all that it promises, and to go to the host at once. */
void engine_outlook(const struct outlook_question *question, struct outlook *ret_outlook);

#endif
