/* Portions of reclaim. */
#include "agent/actions/portion.h"

#include <assert.h>

#include "common/base/number.h"
#include "common/base/util.h"

#define STEP    (8 * MIB)
#define CLUSTER (128 * KIB) /* SWAP_CLUSTER_MAX pages of mm/vmscan.c, in pages of 4 KiB */

uint64_t portion_taken(const struct portion_cache *before, const struct portion_cache *after)
{
    uint64_t back = saturating_subtract(after->read_back, before->read_back);
    uint64_t had = before->bytes + back;

    return saturating_subtract(had, after->bytes);
}

uint64_t portion_next(const struct portion *portion)
{
    uint64_t next = min_of(portion->wanted, STEP);
    uint64_t least = min_of(portion->wanted, CLUSTER);

    if (portion->wanted == 0 || (portion->taken > 0 && portion->wanted < CLUSTER))
        return 0;
    if (portion->taken > 2 * portion->asked)
        next /= 2; /* others let go of some, too: no kernel takes as much */
    else if (portion->taken > portion->asked)
        next = (uint64_t)((double)next * (double)portion->asked / (double)portion->taken);
    next = max_of(next, least);
    assert(next <= portion->wanted);
    return next;
}

void portion_took(struct portion *portion, uint64_t asked, uint64_t taken)
{
    assert(asked > 0 && asked <= portion->wanted);
    taken = max_of(asked, taken);
    portion->asked += asked;
    portion->taken += taken;
    portion->wanted -= min_of(portion->wanted, taken);
    assert(portion->taken >= portion->asked);
}
