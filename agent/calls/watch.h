/* The readers of Watch: samples at their pace, and what overtakes samples.
 *
 * Theory of operation. Each reader has one slot for the newest sample, one for pressure, one for
 * the engine's state and a short ring of finished actions. While its connection takes messages the
 * slots are emptied at once, pressure first and ahead of what the connection still holds. When the
 * connection says -EAGAIN they stay, newer samples replace older ones and are counted, and all goes
 * on when the reader has caught up. So a
 * reader that never reads costs the slots and the connection's queue, and no reader costs another
 * one anything. */
#ifndef VMRECLAIM_AGENT_CALLS_WATCH_H
#define VMRECLAIM_AGENT_CALLS_WATCH_H

#include "agent.pb-c.h"
#include "agent/engine/engine.h"
#include "agent/engine/sample.h"
#include "common/base/list.h"
#include "common/ttrpc/ttrpc.h"

#define WATCHES_MAX            4
#define WATCH_INTERVAL_DEFAULT (10 * NSEC_PER_SEC)
#define WATCH_INTERVAL_MIN     (100 * NSEC_PER_MSEC)
#define WATCH_INTERVAL_MAX     (60 * NSEC_PER_SEC)

struct watches {
    struct list list;
    unsigned count;
};

void watches_init(struct watches *watches);

/* Takes the call over for as long as the stream lasts; the first sample is due at once.
 * -EBUSY: WATCHES_MAX are open, -ENOMEM: the call is still the caller's. */
int watches_open(struct watches *watches, struct ttrpc_call *call, nsec_t interval);

/* Ends all streams. */
void watches_close(struct watches *watches);

/* Boottime at which the next reader wants a sample; NSEC_INFINITY without readers. */
nsec_t watches_due(const struct watches *watches);

/* To the readers that are due at the sample's boottime, or to all. */
void watches_publish_sample(struct watches *watches, const struct memory_sample *sample,
                            bool to_all);

void watches_publish_pressure(struct watches *watches,
                              const Vmreclaim__Agent__V1__PressureEvent *event);

/* The strings in `result` are copied, cut where too long. */
void watches_publish_action(struct watches *watches,
                            const Vmreclaim__Agent__V1__ActionResult *result);

void watches_publish_engine(struct watches *watches, const struct engine_decision *decision,
                            nsec_t now);

#endif
