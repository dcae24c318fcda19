/* Work that does not pay is asked for less and less often. */
#include "agent/engine/backoff.h"

#include <assert.h>

#include "common/base/number.h"
#include "common/base/util.h"

#define FIRST_WAIT   (60 * NSEC_PER_SEC)
#define DOUBLINGS    9 /* 60 s << 9 is over eight hours */
#define LONGEST_WAIT (8 * 3600 * NSEC_PER_SEC)
/* Bytes per CPU second. A compaction in the slowest guest measured brought 240 MiB in a second.
 * Under a tenth of that, the CPU time is worth more to the guest. */
#define LEAST_RATE (16 * MIB)
#define LEAST_PART 8 /* of what was promised: 1/8 */

static bool pays(uint64_t expected, uint64_t gained, nsec_t cpu)
{
    return gained >= expected / LEAST_PART && gained / LEAST_RATE >= cpu / NSEC_PER_SEC;
}

void backoff_judge(struct backoff *backoff, nsec_t now, uint64_t expected, uint64_t gained,
                   nsec_t cpu)
{
    nsec_t wait;

    if (pays(expected, gained, cpu)) {
        *backoff = (struct backoff){0};
        return;
    }
    wait = FIRST_WAIT << min_of(backoff->failures, (unsigned)DOUBLINGS);
    backoff->until = now + min_of(wait, LONGEST_WAIT);
    backoff->failures++;
    assert(backoff->failures > 0 && backoff_holds(backoff, now));
}
