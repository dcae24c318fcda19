/* How much page cache the guest turned out to need. */
#include "agent/engine/cache-floor.h"

#include <assert.h>
#include <string.h>

#include "common/base/util.h"

#define MINUTE           (60 * NSEC_PER_SEC)
#define CALM_AFTER_PAIN  MINUTE
#define NEW_EPISODE      (5 * MINUTE)       /* pain further apart is another one */
#define REMEMBERED       (24 * 60 * MINUTE) /* a take is forgotten */
#define HALF_LIFE        (720 * MINUTE)     /* half a day */
#define HALF_LIFE_RESTED (2 * MINUTE)
#define REST             (60 * MINUTE)

void cache_floor_init(struct cache_floor *floor, nsec_t now)
{
    memset(floor, 0, sizeof(*floor));
    floor->updated_at = now;
}

void cache_floor_took(struct cache_floor *floor, nsec_t now, uint64_t bytes, uint64_t left)
{
    assert(now >= floor->taken_at);
    floor->left = left;
    floor->taken += bytes;
    floor->taken_at = now;
}

static void decay(struct cache_floor *floor, nsec_t now, nsec_t half_life)
{
    nsec_t elapsed = now - floor->updated_at;

    if (!cache_floor_is_calm(floor, now))
        return;
    /* ln 2 is near 7/10; one update covers a small part of a half-life */
    if (elapsed >= half_life)
        floor->learned /= 2;
    else
        floor->learned -=
            (uint64_t)((double)floor->learned * 0.7 * (double)elapsed / (double)half_life);
}

static void rest(struct cache_floor *floor, nsec_t elapsed, bool is_idle)
{
    if (is_idle)
        floor->rested = min_of(floor->rested + elapsed, 2 * REST);
    else
        floor->rested -= min_of(floor->rested, elapsed);
}

static void suffer(struct cache_floor *floor, nsec_t now, const struct cache_news *news)
{
    uint64_t needed;

    if (floor->pain_at == 0 || now - floor->pain_at >= NEW_EPISODE) {
        floor->base = floor->left;
        floor->read_back = 0;
    }
    floor->read_back += min_of(news->refaulted, floor->taken);
    floor->pain_at = now;
    needed = floor->base + floor->read_back + floor->read_back / 4;
    needed = min_of(needed, news->limit);
    if (floor->read_back > 0)
        floor->learned = max_of(floor->learned, needed);
}

void cache_floor_update(struct cache_floor *floor, nsec_t now, const struct cache_news *news)
{
    assert(now >= floor->updated_at && now >= floor->pain_at);
    if (now - floor->taken_at > REMEMBERED)
        floor->taken = 0;
    floor->left = min_of(floor->left, news->cache);
    rest(floor, now - floor->updated_at, news->is_idle);
    decay(floor, now, floor->rested > REST ? HALF_LIFE_RESTED : HALF_LIFE);
    if (news->is_pain)
        suffer(floor, now, news);
    floor->taken -= min_of(news->refaulted, floor->taken);
    floor->updated_at = now;
    assert(floor->rested <= 2 * REST && floor->left <= news->cache);
}

bool cache_floor_is_calm(const struct cache_floor *floor, nsec_t now)
{
    return floor->pain_at == 0 || now - floor->pain_at >= CALM_AFTER_PAIN;
}
