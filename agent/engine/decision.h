/* What the engine decides, why, and how it hears of the end. */
#ifndef VMRECLAIM_AGENT_ENGINE_DECISION_H
#define VMRECLAIM_AGENT_ENGINE_DECISION_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/engine/kind.h"
#include "common/base/time.h"

/* The gate or the plan behind a decision; engine_reason_text() has a sentence for each. */
enum engine_reason {
    ENGINE_WARMING_UP,
    ENGINE_BUSY,
    ENGINE_PRESSURE,
    ENGINE_REFAULTS,
    ENGINE_NOT_YET_IDLE,
    ENGINE_NEVER_IDLE, /* ... for long, and the policy does nothing until it is */
    ENGINE_ACTING,
    ENGINE_SETTLING,
    ENGINE_BACKED_OFF,
    ENGINE_BUDGET_SPENT,
    ENGINE_FORBIDDEN,
    ENGINE_OBSERVING,
    ENGINE_NOTHING_TO_GAIN,
    ENGINE_IDLE_WORK,
    ENGINE_TRICKLE,
    ENGINE_RESTORING,
    ENGINE_REASON_COUNT,
};

struct engine_decision {
    enum action_kind action; /* to start; ACTION_NONE: nothing */
    bool stop;               /* abandon the running action: the guest woke or is under pressure */
    enum engine_reason reason;
    bool is_idle;           /* the guest is, or its policy's schedule takes it for idle */
    uint64_t bytes;         /* RECLAIM_CACHE: of file pages */
    bool drop_slab;         /* DROP_CACHES */
    uint32_t order;         /* SET_ORDER, RESTORE_ORDER */
    nsec_t time_limit;      /* 0: none */
    uint64_t expected_gain; /* bytes the action promises */
    nsec_t next_sample;     /* boottime at which the next sample is wanted */
};

/* How an action of the engine ended. */
struct engine_result {
    enum action_kind action;
    bool completed;  /* false: stopped, failed or not supported */
    bool supported;  /* false: never ask for it again */
    bool withdrawn;  /* gave way to an order of the host: nothing is learned from it */
    uint64_t gained; /* bytes that became free, or left the trapped part */
    nsec_t cpu;      /* CPU time it cost */
    nsec_t duration;
};

/* A sentence for a person. */
const char *engine_reason_text(enum engine_reason reason);

#endif
