/* The agent's engine: what to do now, from the samples and the policy.
 *
 * Pure: time, samples and results come in, one decision comes out. It never reads a clock, a file
 * or a socket and never allocates; the simulator and the tests run it on virtual time. */
#ifndef VMRECLAIM_AGENT_ENGINE_ENGINE_H
#define VMRECLAIM_AGENT_ENGINE_ENGINE_H

#include <stdint.h>

#include "agent/engine/decision.h"
#include "agent/engine/sample.h"
#include "common/base/time.h"
#include "common/policy/policy.h"

/* Opaque in use, plain in memory: no pointer to anything outside. */
struct engine;

/* Size for the caller's memory; see engine-state.h for the struct itself. */
void engine_init(struct engine *engine, const struct policy *policy, nsec_t now);

/* Takes another policy into force; what was changed under the old one is still restored. */
void engine_set_policy(struct engine *engine, const struct policy *policy, nsec_t now);

/* One step: called for every sample, also while an action runs (which it may then ask to stop). */
void engine_step(struct engine *engine, const struct memory_sample *sample,
                 struct engine_decision *ret_decision);

/* The action that a decision asked for has ended: once for each. Its own CPU time is not activity.
 */
void engine_finished(struct engine *engine, const struct engine_result *result, nsec_t now);

/* The lowest reporting order that the host's backing makes useful: below it the host would undo the
 * return. Until it is set, 5 (128 KiB at 4 KiB pages). Takes effect with the next step. */
void engine_set_lowest_order(struct engine *engine, uint32_t order);

/* Whether the host takes what is free by its balloon. Until it is set, it does not. */
void engine_set_host_takes_free(struct engine *engine, bool takes_free);

/* Wall time for schedules, from the controller or the guest's own clock: nanoseconds since the
 * epoch at `now`. Until it is known, a policy with schedules forbids. */
void engine_set_wall_time(struct engine *engine, int64_t wall_time, nsec_t now);

#endif
