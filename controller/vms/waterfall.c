/* The waterfall's sums. */
#include "controller/vms/waterfall.h"

#include <assert.h>
#include <string.h>

#include "common/base/number.h"

static void take_guest(struct waterfall *w, const struct guest_memory *guest, bool counts_as_used)
{
    w->reported_is_known = guest->reported_is_known;
    w->reported = guest->reported;
    w->reportable = guest->reportable;
    w->held_back = guest->held_back;
    w->trapped = guest->trapped;
    w->percpu = guest->percpu;
    w->cache = guest->cache;
    w->in_use = counts_as_used ? saturating_subtract(guest->in_use, w->balloon) : guest->in_use;
    /* A balloon that does not count as used has made MemTotal smaller. */
    w->unmanaged = saturating_subtract(saturating_subtract(w->ram, guest->total),
                                       counts_as_used ? 0 : w->balloon);
}

/* What of the footprint the parts do not explain. */
static int64_t remainder_of(const struct waterfall *w)
{
    uint64_t parts = w->in_use + w->cache + w->reportable + w->trapped + w->percpu + w->unmanaged;

    return (int64_t)w->footprint - (int64_t)parts;
}

bool waterfall_guest_holds(const struct guest_memory *guest, nsec_t now, nsec_t interval,
                           bool has_agent, bool runs)
{
    if (!has_agent || guest->received == 0)
        return false;
    return !runs || now <= guest->received ||
           now - guest->received <= WATERFALL_INTERVALS_MAX * interval;
}

void waterfall_compute(const struct guest_memory *guest, const struct host_memory *host,
                       const struct waterfall_balloon *balloon, struct waterfall *ret_waterfall)
{
    struct waterfall w = {
        .time = host->time,
        .host_is_known = host->time != 0,
        .guest_is_known = guest != NULL && guest->received != 0,
        .balloon_is_known = balloon->is_absent || (balloon->actual != 0 && balloon->maximum != 0),
        .ram = balloon->ram,
        .footprint = host->footprint,
        .swapped = host->swapped,
    };

    if (balloon->actual != 0)
        w.balloon = saturating_subtract(balloon->maximum, balloon->actual);
    if (w.guest_is_known)
        take_guest(&w, guest, balloon->counts_as_used);
    if (w.guest_is_known && w.host_is_known) {
        w.skew = time_after(distance_between(guest->received, host->time), guest->latency);
        /* Without the VM's memory nobody knows what the guest's kernel has of it. */
        w.remainder = w.ram == 0 ? 0 : remainder_of(&w);
    }
    assert(w.balloon <= balloon->maximum);
    assert(w.guest_is_known || w.in_use + w.reportable + w.trapped + w.cache == 0);
    assert((w.guest_is_known && w.host_is_known) || (w.remainder == 0 && w.skew == 0));
    *ret_waterfall = w;
}
