/* The ladder of idle work: which action comes next, and what it leaves behind. Part of the engine.
 */
#ifndef VMRECLAIM_AGENT_ENGINE_LADDER_H
#define VMRECLAIM_AGENT_ENGINE_LADDER_H

#include "agent/engine/engine-state.h"

/* Free memory in blocks below `order`. */
uint64_t ladder_trapped(const struct memory_sample *sample, uint32_t order);

/* Of it, what has not gone to the host yet: a pass at a lower order may have taken some already. */
uint64_t ladder_stuck(const struct memory_sample *sample, uint32_t order);

/* Follows the reporting order and its progress; for every sample. */
void ladder_observe(struct engine *engine, const struct memory_sample *sample);

/* The next action under the gate's verdict, or why none. */
void ladder_decide(struct engine *engine, const struct memory_sample *sample,
                   enum engine_reason mode, struct engine_decision *decision);

/* When a trickle may take its next step. */
nsec_t ladder_trickle_due(const struct engine *engine);

/* The engine's running action has ended. */
void ladder_finished(struct engine *engine, const struct engine_result *result, nsec_t now);

#endif
