/* The audit's records of rollouts, as far as they are kept here: the newest, in the order in which
 * they came.
 *
 * Failure modes: memory is short: a record is left out here, and stays in the stream. There are
 * more than there is room for: the oldest go, whosever they are. */
#ifndef VMRECLAIM_CONTROLLER_FLEET_COORDINATOR_HISTORY_H
#define VMRECLAIM_CONTROLLER_FLEET_COORDINATOR_HISTORY_H

#include "common/base/list.h"
#include "controller/fleet/coordinator/audit.h"

#define HISTORY_MAX       16384u
#define HISTORY_BYTES_MAX ((size_t)16 << 20)

struct history_record {
    struct list link;
    uint64_t number;     /* of this process: who came later has a higher one */
    const char *rollout; /* its id, behind `packed` */
    size_t length;
    uint8_t packed[]; /* an AuditRecord */
};

struct rollout_history {
    struct list records; /* struct history_record, the oldest first */
    unsigned count;
    size_t bytes;
    uint64_t last;   /* number that was given */
    uint64_t newest; /* sequence that was heard */
};

void rollout_history_init(struct rollout_history *history);
void rollout_history_finish(struct rollout_history *history);

/* The stream was made anew. What is known of the one before stays. */
void rollout_history_on_remade(struct rollout_history *history);

/* A message of the stream; others are none of ours. */
void rollout_history_on_message(struct rollout_history *history, const struct bus_message *message);

/* NULL: no memory. For the caller to free. */
AuditRecord *history_record_read(const struct history_record *record);

#endif
