/* Standing of agents. */
#include "controller/guests/standing.h"

#include <assert.h>

#include "common/base/util.h"

/* A sample takes a tenth of a millisecond and as much for the turn of the loop, every few seconds.
 * What we ask for, like the list of all ranges, is not charged. */
#define SHARE_PERMYRIAD 5
#define SHARE_SAVED     NSEC_PER_MSEC

/* The first delay after each ending, and the longest. */
static const struct {
    nsec_t first, longest;
} delays[AGENT_ENDING_COUNT] = {
    [AGENT_LEFT] = {NSEC_PER_SEC, 10 * NSEC_PER_SEC},
    [AGENT_ABSENT] = {NSEC_PER_SEC / 4, 2 * NSEC_PER_SEC},
    [AGENT_FAILED] = {4 * NSEC_PER_SEC, 30 * NSEC_PER_SEC},
    [AGENT_BROKE] = {4 * NSEC_PER_SEC, 60 * NSEC_PER_SEC},
};

void agent_standing_init(struct agent_standing *standing)
{
    *standing = (struct agent_standing){
        .processor = {.permyriad = SHARE_PERMYRIAD, .saved_max = SHARE_SAVED},
    };
}

static nsec_t next_delay(nsec_t delay, enum agent_ending ending)
{
    nsec_t longest = delays[ending].longest;
    nsec_t grown = max_of(4 * delay, delays[ending].first);

    assert(0 < delays[ending].first && delays[ending].first <= longest);
    return delay > longest ? max_of(delay / 2, longest) : min_of(grown, longest);
}

void agent_standing_ended(struct agent_standing *standing, enum agent_ending ending, nsec_t now,
                          uint32_t random)
{
    nsec_t delay = ending == AGENT_STAYED ? 0 : next_delay(standing->delay, ending);

    standing->delay = delay;
    standing->not_before = now + delay / 4 * 3 + (delay / 2 * random >> 32);
    assert((delay > 0) == (ending != AGENT_STAYED));
    assert(standing->not_before >= now && standing->not_before <= now + delay / 4 * 5);
}
