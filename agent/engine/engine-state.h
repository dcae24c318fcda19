/* The engine's state, for whoever holds the memory. Its members are private. */
#ifndef VMRECLAIM_AGENT_ENGINE_ENGINE_STATE_H
#define VMRECLAIM_AGENT_ENGINE_ENGINE_STATE_H

#include "agent/engine/activity.h"
#include "agent/engine/backoff.h"
#include "agent/engine/budget.h"
#include "agent/engine/cache-floor.h"
#include "agent/engine/decision.h"
#include "agent/engine/sample.h"
#include "common/policy/policy.h"

#define ENGINE_TRICKLE_CPU 5000 /* permyriad of all CPUs: nothing is taken from a busier guest */

struct engine {
    struct policy policy;
    nsec_t started;
    struct memory_sample last;
    bool has_last;
    unsigned sample_count;
    struct activity activity;
    bool is_calm;   /* the latest seconds were; if that goes on the guest is idle */
    nsec_t idle_at; /* boottime when it last was, or when somebody began to look */
    struct cache_floor floor;
    struct budget budget;
    /* a trickle's, and idle work's: a guest at work is another than an idle one */
    struct backoff backoffs[2][ACTION_KIND_COUNT];
    nsec_t restore_not_before;

    /* the action that runs */
    enum action_kind running;
    bool is_stopping;
    bool is_idle_work; /* the guest was idle when it began: waking ends it */
    uint64_t expected;
    nsec_t ended_at;          /* the last action's end */
    nsec_t kernel_work_until; /* our own work may go on in kernel threads until then */
    uint32_t unsupported;     /* bit per action kind: this kernel has no way to do it */

    /* cache */
    bool has_dropped; /* in this idle period */
    uint64_t cache_after_drop;
    nsec_t trickled_at;

    /* compaction */
    nsec_t compacted_at;      /* 0: never */
    nsec_t idle_compacted_at; /* the last one of idle work */
    uint64_t residue;         /* trapped bytes the last one could not help */

    /* reporting order */
    bool host_takes_free; /* by its balloon: freed memory goes back where nothing is reported */
    uint32_t host_order;  /* the lowest that the host's backing makes useful */
    uint32_t found_order;
    bool is_lowered;
    enum engine_reason lowered_mode; /* ENGINE_IDLE_WORK or ENGINE_TRICKLE */
    nsec_t lowered_at;               /* 0: never */
    nsec_t idle_lowered_at;          /* the last time by idle work */
    uint64_t reported_at_lower;      /* to judge what it brought */
    uint64_t reported_last;
    nsec_t progress_at; /* last time `reported` grew */
    nsec_t kicked_at;

    /* schedules */
    bool knows_wall_time;
    int64_t wall_offset; /* seconds: wall time - boottime */
    int64_t effect_minute;
    enum schedule_effect effect;
};

#endif
