/* How much page cache the guest turned out to need.
 *
 * Theory of operation. What we take and the guest reads back (a refault) was hot. Refaults faster
 * than the policy's limit are pain. Then the floor rises to the cache that the last take left, plus
 * what was read back since, plus a quarter of that. Without pain the floor halves in half a day, so
 * that a hot set that comes back after lunch is still there. Once the guest has rested for an hour,
 * the floor goes within minutes. By then keeping it has cost as much as reading it back would, and
 * the longer a rest lasts, the longer it goes on. This is the rule of renting skis: rent until the
 * rent paid is the price. Time in which the guest works is taken off the rest again. So jobs of a
 * minute do not keep a night's floor, and a morning's work begins a new day.
 *
 * Failure modes. Refaults of cache that the kernel took under its own pressure are not held against
 * us. Only what we took counts, and only as long as we remember taking it. Dropped caches leave no
 * trace in the kernel, so refaults after drop_caches cannot be seen at all: the drop method learns
 * nothing. */
#ifndef VMRECLAIM_AGENT_ENGINE_CACHE_FLOOR_H
#define VMRECLAIM_AGENT_ENGINE_CACHE_FLOOR_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/time.h"

struct cache_floor {
    uint64_t learned;   /* bytes; 0: nothing learned */
    uint64_t taken;     /* bytes, and not read back since */
    nsec_t taken_at;    /* the last take */
    uint64_t left;      /* cache after the last take, what came in since left out */
    uint64_t base;      /* `left` when the pain began */
    uint64_t read_back; /* since then */
    nsec_t pain_at;     /* last pain; 0: never */
    nsec_t rested;      /* idle time, less the time worked since */
    nsec_t updated_at;
};

void cache_floor_init(struct cache_floor *floor, nsec_t now);

void cache_floor_took(struct cache_floor *floor, nsec_t now, uint64_t bytes, uint64_t left);

/* What happened since the last update. */
struct cache_news {
    uint64_t cache;     /* bytes now */
    uint64_t refaulted; /* bytes read back */
    bool is_pain;       /* faster than the policy allows */
    bool is_idle;       /* the guest */
    uint64_t limit;     /* the learned floor never rises above it */
};

void cache_floor_update(struct cache_floor *floor, nsec_t now, const struct cache_news *news);

/* Calm again after the last pain. */
bool cache_floor_is_calm(const struct cache_floor *floor, nsec_t now);

#endif
