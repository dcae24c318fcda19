/* A guest made by hand for the engine's tests: what a sample says is set, the counters go on by
 * themselves. */
#ifndef VMRECLAIM_TESTS_UNIT_AGENT_ENGINE_GUEST_H
#define VMRECLAIM_TESTS_UNIT_AGENT_ENGINE_GUEST_H

#include "tests/lib/test.h"

#include "agent/engine/engine-state.h"
#include "agent/engine/engine.h"
#include "common/base/number.h"

#define SECONDS(n) ((nsec_t)(n)*NSEC_PER_SEC)

struct guest {
    struct policy policy;
    struct engine engine;
    struct memory_sample sample;
    struct engine_decision decision;
    enum action_kind asked; /* the last action that was */
    nsec_t interval;
    uint32_t user;               /* permyriad of all CPUs */
    uint32_t system;             /* the same */
    uint64_t psi_memory, psi_io; /* microseconds per second */
    uint64_t refaults;           /* pages per second */
};

/* 4 CPUs (sample.cpu_count), 8 GiB, all free and reported, 128 MiB of cache: nothing to do. */
void guest_init(struct guest *guest);

/* Puts guest->policy in force. */
void use_policy(struct guest *guest);

/* One interval passes. */
enum action_kind step(struct guest *guest);

/* Steps until an action is asked for, at most `seconds` intervals, in which none is stopped. */
enum action_kind run(struct guest *guest, unsigned seconds);

/* The engine asks to stop the running action within `seconds` intervals. */
void assert_stop(struct guest *guest, unsigned seconds);

/* The action asked for has ended. */
void finish(struct guest *guest, uint64_t gained, nsec_t cpu);

/* `bytes` of free memory in single pages. */
void trap(struct guest *guest, uint64_t bytes);

/* Reclaims down to the floor, so that the next rung is free. */
void take_cache(struct guest *guest);

void assert_reason(const struct guest *guest, enum engine_reason reason);

#endif
