/* What a guest's agent may still expect of us, after what it did: processor time, and when it may
 * connect again. Kept with the guest, not with the connection. Pure: time and chance come in. */
#ifndef VMRECLAIM_CONTROLLER_GUESTS_STANDING_H
#define VMRECLAIM_CONTROLLER_GUESTS_STANDING_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/time.h"
#include "common/ttrpc/ttrpc.h"

#define AGENT_STAY (10 * NSEC_PER_SEC) /* a link that lived so long and sent samples was good */

/* How it ended, from good to bad. */
enum agent_ending {
    AGENT_STAYED, /* after AGENT_STAY with samples */
    AGENT_LEFT,   /* sooner, with samples */
    AGENT_ABSENT, /* nobody was there */
    AGENT_FAILED, /* it never sent a sample that can be true */
    AGENT_BROKE,  /* it did not keep to the protocol */
    AGENT_ENDING_COUNT,
};

struct agent_standing {
    struct ttrpc_share processor;
    nsec_t delay;      /* the last one; 0: none */
    nsec_t not_before; /* CLOCK_BOOTTIME */
};

/* Without processor.debt_max, which depends on how often samples come. */
void agent_standing_init(struct agent_standing *standing);

/* A connection, or the attempt at one, ended. The next must wait four times as long as this one had
 * to. The limit is 2 s after an absence, 10 s after leaving, 30 s after a failure, 60 s after a
 * breach of the protocol. A better ending halves the delay of a worse one. `random` spreads it by a
 * quarter either way. */
void agent_standing_ended(struct agent_standing *standing, enum agent_ending ending, nsec_t now,
                          uint32_t random);

/* Whether a connection may be made or taken now. */
static inline bool agent_standing_admits(const struct agent_standing *standing, nsec_t now)
{
    return now >= standing->not_before;
}

#endif
