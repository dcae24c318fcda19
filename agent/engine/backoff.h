/* Work that does not pay is asked for less and less often. The wait doubles with every failure to
 * bring what was promised, and ends with the first success. */
#ifndef VMRECLAIM_AGENT_ENGINE_BACKOFF_H
#define VMRECLAIM_AGENT_ENGINE_BACKOFF_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/time.h"

struct backoff {
    nsec_t until;
    unsigned failures; /* in a row */
};

/* An action promised `expected` bytes, brought `gained` and cost `cpu`. */
void backoff_judge(struct backoff *backoff, nsec_t now, uint64_t expected, uint64_t gained,
                   nsec_t cpu);

static inline bool backoff_holds(const struct backoff *backoff, nsec_t now)
{
    return now < backoff->until;
}

#endif
