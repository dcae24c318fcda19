/* The standing of guests that have no record while they are not connected: CIDs that nobody vouches
 * for. Bounded: the one not heard of for longest is forgotten first. */
#ifndef VMRECLAIM_CONTROLLER_GUESTS_STRANGERS_H
#define VMRECLAIM_CONTROLLER_GUESTS_STRANGERS_H

#include "common/base/hash.h"
#include "common/base/list.h"
#include "controller/guests/standing.h"

#define STRANGERS_MAX 1024

struct strangers {
    struct hash_table by_cid;
    struct list by_age; /* oldest first */
    size_t count;
};

void strangers_init(struct strangers *strangers);
void strangers_finish(struct strangers *strangers);

/* Remembers or replaces; without memory it is forgotten. */
void strangers_remember(struct strangers *strangers, uint32_t cid,
                        const struct agent_standing *standing);

/* NULL: nothing is known. Valid until the next strangers_remember. */
const struct agent_standing *strangers_find(const struct strangers *strangers, uint32_t cid);

#endif
