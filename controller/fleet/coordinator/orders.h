/* What operators order of rollouts. Any coordinator takes it. */
#ifndef VMRECLAIM_CONTROLLER_FLEET_COORDINATOR_ORDERS_H
#define VMRECLAIM_CONTROLLER_FLEET_COORDINATOR_ORDERS_H

#include "controller/fleet/coordinator/rollouts.h"

/* 0 when it can be started: the policy's text is one that hosts take, and there is room in its
 * document for all hosts that it means. -EINVAL; -E2BIG; with what is wrong. */
int rollouts_check(const struct rollouts *rollouts, const Rollout *rollout, struct error *error);

/* Starts it; the message is taken over, as protobuf-c unpacked it. A complete
 * or aborted one of the policy is superseded; one that is under way or paused is in the way,
 * -EBUSY. */
void rollouts_start(struct rollouts *rollouts, Rollout *rollout, const char *author,
                    rollouts_done done, void *userdata);

/* Not ROLLOUT_START. */
void rollouts_order(struct rollouts *rollouts, const char *id, enum rollout_verb verb,
                    const char *author, const char *reason, rollouts_done done, void *userdata);

/* The caller is gone: no answer. */
void rollouts_forget(struct rollouts *rollouts, void *userdata);

/* Those under way end without an answer. After bus_stop. */
void orders_stop(struct rollouts *rollouts);

#endif
