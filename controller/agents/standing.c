/* Standing of agents. */
#include "controller/agents/standing.h"

#include "common/base/util.h"

/* A sample takes a tenth of a millisecond, every few seconds. What takes more, like the list of all
 * ranges of a guest of a terabyte (25 ms), is paid by the share of all debtors. */
#define SHARE_PERMYRIAD 5
#define SHARE_SAVED     (2 * NSEC_PER_MSEC)

#define DELAY_FIRST (250 * NSEC_PER_MSEC)
#define DELAY_BROKE NSEC_PER_SEC

static const nsec_t limits[AGENT_ENDING_COUNT] = {
    [AGENT_LEFT] = 2 * NSEC_PER_SEC,
    [AGENT_ABSENT] = 2 * NSEC_PER_SEC,
    [AGENT_FAILED] = 30 * NSEC_PER_SEC,
    [AGENT_BROKE] = 60 * NSEC_PER_SEC,
};

void agent_standing_init(struct agent_standing *standing)
{
    *standing = (struct agent_standing){
        .processor = {.permyriad = SHARE_PERMYRIAD, .saved_max = SHARE_SAVED},
    };
}

static nsec_t next_delay(nsec_t delay, enum agent_ending ending)
{
    nsec_t limit = limits[ending];
    nsec_t least = ending == AGENT_BROKE ? DELAY_BROKE : DELAY_FIRST;
    nsec_t doubled = max_of(2 * delay, least);

    return delay > limit ? max_of(delay / 2, limit) : min_of(doubled, limit);
}

void agent_standing_ended(struct agent_standing *standing, enum agent_ending ending, nsec_t now,
                          uint32_t random)
{
    nsec_t delay = ending == AGENT_STAYED ? 0 : next_delay(standing->delay, ending);

    standing->delay = delay;
    standing->not_before = now + delay / 4 * 3 + (delay / 2 * random >> 32);
}
