/* How much page cache the guest turned out to need. */
#include "agent/engine/cache-floor.h"

#include <string.h>

#include "common/base/util.h"

#define MINUTE                     (60 * NSEC_PER_SEC)
#define CALM_AFTER_PAIN            MINUTE
#define REMEMBERED                 (8 * 60 * MINUTE) /* a take is forgotten after a night */
#define HALF_LIFE_FIRST            (10 * MINUTE)
#define HALF_LIFE_LAST             (8 * 60 * MINUTE)
#define NEW_EPISODE                (5 * MINUTE) /* pain further apart counts again */
#define HALF_LIVES_UNTIL_FORGOTTEN 8

void cache_floor_init(struct cache_floor *floor, nsec_t now)
{
    memset(floor, 0, sizeof(*floor));
    floor->updated_at = now;
    floor->half_life = HALF_LIFE_FIRST;
}

void cache_floor_took(struct cache_floor *floor, nsec_t now, uint64_t bytes, uint64_t left)
{
    /* taking again ends the account of what was read back: it is in the learned floor by now */
    if (floor->read_back > 0) {
        floor->taken = 0;
        floor->read_back = 0;
    }
    floor->taken += bytes;
    floor->left = left;
    floor->taken_at = now;
}

static void decay(struct cache_floor *floor, nsec_t now)
{
    nsec_t elapsed = now - floor->updated_at;

    if (!cache_floor_is_calm(floor, now) || floor->learned == 0)
        return;
    /* ln 2 is near 7/10; one update covers a small part of a half-life */
    if (elapsed >= floor->half_life)
        floor->learned /= 2;
    else
        floor->learned -=
            (uint64_t)((double)floor->learned * 0.7 * (double)elapsed / (double)floor->half_life);
    if (now - floor->pain_at >= HALF_LIVES_UNTIL_FORGOTTEN * floor->half_life) {
        floor->learned = 0;
        floor->half_life = HALF_LIFE_FIRST;
    }
}

static void suffer(struct cache_floor *floor, nsec_t now, uint64_t limit)
{
    uint64_t needed = floor->left + floor->read_back + floor->read_back / 4;

    if (floor->pain_at != 0 && now - floor->pain_at >= NEW_EPISODE)
        floor->half_life = min_of(2 * floor->half_life, HALF_LIFE_LAST);
    floor->pain_at = now;
    needed = min_of(needed, limit);
    floor->learned = max_of(floor->learned, needed);
}

void cache_floor_update(struct cache_floor *floor, nsec_t now, uint64_t refaulted, bool is_pain,
                        uint64_t limit)
{
    if (now - floor->taken_at > REMEMBERED)
        floor->taken = 0;
    floor->read_back = min_of(floor->read_back + refaulted, floor->taken);
    decay(floor, now);
    if (is_pain && floor->taken > 0)
        suffer(floor, now, limit);
    else if (is_pain)
        floor->pain_at = now; /* not our doing, and no time to take either */
    floor->updated_at = now;
}

bool cache_floor_is_calm(const struct cache_floor *floor, nsec_t now)
{
    return floor->pain_at == 0 || now - floor->pain_at >= CALM_AFTER_PAIN;
}
