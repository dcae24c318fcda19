/* A share of the processor: a token bucket kept as one time. Up to `paid_until` what was used is
 * paid for by the share. What lies further back than a full saving is forgotten, and so is what
 * lies further ahead than the longest debt. */
#include <assert.h>

#include "common/base/number.h"
#include "common/base/util.h"
#include "common/ttrpc/ttrpc.h"

#define WHOLE 10000u /* permyriad */

nsec_t ttrpc_share_paid_until(const struct ttrpc_share *share)
{
    nsec_t until = 0;

    for (; share != NULL; share = share->whole)
        until = max_of(until, share->paid_until);
    return until;
}

static void charge(struct ttrpc_share *share, nsec_t used, nsec_t now)
{
    assert(share->permyriad > 0 && share->permyriad <= WHOLE);
    nsec_t saving = share->saved_max / share->permyriad * WHOLE;
    nsec_t oldest = saturating_subtract(now, saving);
    nsec_t latest = now + share->debt_max;

    share->paid_until = max_of(share->paid_until, oldest) + used * WHOLE / share->permyriad;
    share->paid_until = min_of(share->paid_until, latest);
}

nsec_t ttrpc_share_charge(struct ttrpc_share *share, nsec_t used, nsec_t now)
{
    for (struct ttrpc_share *each = share; each != NULL; each = each->whole)
        charge(each, used, now);
    return ttrpc_share_paid_until(share);
}
