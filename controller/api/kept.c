/* Buckets of bytes. */
#include "controller/api/kept.h"

#include <assert.h>
#include <stddef.h>

#include "common/base/util.h"

static nsec_t time_of(const struct kept_share *share, uint64_t bytes)
{
    assert(share->per_second > 0);
    return bytes * NSEC_PER_SEC / share->per_second;
}

/* When it would be full again. */
static nsec_t full_after(const struct kept_share *share, uint64_t bytes, nsec_t now)
{
    return max_of(share->full, now) + time_of(share, bytes);
}

nsec_t kept_share_take(struct kept_share *share, uint64_t bytes, nsec_t now)
{
    nsec_t wait = 0;

    for (const struct kept_share *each = share; each != NULL; each = each->whole) {
        nsec_t latest = now + time_of(each, each->burst);
        nsec_t full = full_after(each, bytes, now);

        assert(bytes <= each->burst);
        wait = max_of(wait, full > latest ? full - latest : 0);
    }
    for (struct kept_share *each = share; wait == 0 && each != NULL; each = each->whole)
        each->full = full_after(each, bytes, now);
    return wait;
}
