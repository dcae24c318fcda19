/* How much page cache the guest turned out to need.
 *
 * Theory of operation. What we take and the guest reads back (a refault) was hot. Refaults faster
 * than the policy's limit are pain: the floor rises to the cache that was left after the last take,
 * plus what was read back since, plus a quarter of that. Without pain the floor decays
 * exponentially; the half-life doubles with every episode of pain, so a hot set that comes back
 * again and again is left alone for longer and longer, and ends at the policy's own floor when the
 * hot set is gone.
 *
 * Failure modes. Refaults of cache that the kernel took under its own pressure are not held against
 * us: only up to what we took counts, and only as long as we remember taking it. Dropped caches
 * leave no trace in the kernel, so refaults after drop_caches cannot be seen at all: the drop
 * method learns nothing. */
#ifndef VMRECLAIM_AGENT_ENGINE_CACHE_FLOOR_H
#define VMRECLAIM_AGENT_ENGINE_CACHE_FLOOR_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/time.h"

struct cache_floor {
    uint64_t learned;   /* bytes; 0: nothing learned */
    uint64_t left;      /* cache after the last take */
    uint64_t taken;     /* bytes, in this episode of taking */
    uint64_t read_back; /* bytes of it */
    nsec_t taken_at;    /* the last take */
    nsec_t pain_at;     /* 0: never */
    nsec_t updated_at;
    nsec_t half_life;
};

void cache_floor_init(struct cache_floor *floor, nsec_t now);

/* `bytes` were taken and `left` stayed. */
void cache_floor_took(struct cache_floor *floor, nsec_t now, uint64_t bytes, uint64_t left);

/* Time passed: `refaulted` bytes were read back since the last call; `is_pain` when faster than the
 * policy allows. `limit`: the learned floor never rises above it. */
void cache_floor_update(struct cache_floor *floor, nsec_t now, uint64_t refaulted, bool is_pain,
                        uint64_t limit);

/* Calm again after the last pain. */
bool cache_floor_is_calm(const struct cache_floor *floor, nsec_t now);

#endif
