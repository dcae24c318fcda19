/* Signs of hunger. */
#include "controller/guests/starvation.h"

#include "common/base/number.h"
#include "common/base/util.h"
#include <assert.h>

#define WINDOW        (5 * NSEC_PER_SEC)
#define QUIET         (60 * NSEC_PER_SEC)
#define BALLOON_LEAST (64 * MIB)
#define BALLOON_PART  20   /* of the guest's memory */
#define LITTLE_PART   10   /* of it, available */
#define STALLED       1000 /* permyriad of the window */
#define REFAULTS      1000 /* pages per second: what even the least gentle policy shrinks from */

/* Who is starved has shown it, and what it has shown is counted while it is. */
static void check(const struct starvation *starvation)
{
    assert(starvation->since == 0 || starvation->sign >= starvation->since);
    assert(starvation->since != 0 || starvation->kills == 0);
    assert(starvation->stalled_permyriad <= PERMYRIAD_ONE);
}

static bool is_known(uint64_t value)
{
    return value != STARVATION_UNKNOWN;
}

static uint64_t growth(uint64_t before, uint64_t now)
{
    return is_known(before) && is_known(now) ? saturating_subtract(now, before) : 0;
}

/* A guest that has booted again, or went back. */
static bool ran_backwards(const struct starvation_sample *before,
                          const struct starvation_sample *now)
{
    return now->time < before->time || now->oom_kills < before->oom_kills ||
           now->stalled < before->stalled || now->refaults < before->refaults;
}

static bool counts(const struct starvation_sample *sample, uint64_t balloon)
{
    return balloon >= BALLOON_LEAST &&
           (!is_known(sample->total) || balloon >= sample->total / BALLOON_PART);
}

static bool has_little(const struct starvation_sample *sample)
{
    return !is_known(sample->total) || !is_known(sample->available) ||
           sample->available < sample->total / LITTLE_PART;
}

static enum starvation_change end(struct starvation *starvation, enum starvation_change how)
{
    bool was_starved = starvation->since != 0;

    starvation->since = 0;
    starvation->had_sign = false;
    starvation->kills = 0;
    check(starvation);
    return was_starved ? how : STARVATION_GOES_ON;
}

static enum starvation_change begin(struct starvation *starvation, nsec_t now)
{
    bool is_new = starvation->since == 0;

    starvation->sign = now;
    if (is_new)
        starvation->since = now;
    check(starvation);
    return is_new ? STARVATION_BEGINS : STARVATION_GOES_ON;
}

/* Whether the window shows one; what it was is kept. */
static bool look(struct starvation *starvation, const struct starvation_sample *sample)
{
    const struct starvation_sample *last = &starvation->last;
    nsec_t length = max_of((sample->time - last->time) / NSEC_PER_MSEC, (nsec_t)1);
    nsec_t stalled = growth(last->stalled, sample->stalled) / NSEC_PER_MSEC;

    starvation->stalled_permyriad = (uint32_t)(min_of(stalled, length) * PERMYRIAD_ONE / length);
    starvation->refault_rate =
        growth(last->refaults, sample->refaults) / max_of(length / 1000, (nsec_t)1);
    return has_little(sample) &&
           (starvation->stalled_permyriad >= STALLED || starvation->refault_rate >= REFAULTS);
}

enum starvation_change starvation_take(struct starvation *starvation,
                                       const struct starvation_sample *sample, uint64_t balloon,
                                       nsec_t now)
{
    bool is_first = !starvation->has_last || ran_backwards(&starvation->last, sample);
    uint64_t kills = is_first ? 0 : growth(starvation->last.oom_kills, sample->oom_kills);
    bool had_sign = starvation->had_sign;

    starvation->heard = now;
    if (is_first || !counts(sample, balloon)) {
        starvation->last = *sample;
        starvation->has_last = true;
        starvation->had_sign = false; /* of another boot, or under another balloon */
        return is_first ? STARVATION_GOES_ON : end(starvation, STARVATION_GIVES_WAY);
    }
    if (kills == 0 && sample->time - starvation->last.time < WINDOW)
        return starvation_pass(starvation, balloon);
    starvation->had_sign = look(starvation, sample);
    starvation->last = *sample;
    starvation->kills += kills;
    if (kills > 0 || (starvation->had_sign && had_sign))
        return begin(starvation, now);
    return starvation_pass(starvation, balloon);
}

enum starvation_change starvation_pass(struct starvation *starvation, uint64_t balloon)
{
    check(starvation);
    if (starvation->since == 0)
        return STARVATION_GOES_ON;
    if (balloon < BALLOON_LEAST)
        return end(starvation, STARVATION_GIVES_WAY);
    if (saturating_subtract(starvation->heard, starvation->sign) >= QUIET)
        return end(starvation, STARVATION_ENDS);
    return STARVATION_GOES_ON;
}
