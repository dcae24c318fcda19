/* The waterfall's sums. */
#include "controller/vms/waterfall.h"

#include <string.h>

#include "common/base/number.h"
#include "common/base/util.h"

static void take_guest(struct waterfall *w, const struct guest_memory *guest, bool counts_as_used)
{
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
    w->remainder = (int64_t)w->footprint - (int64_t)(w->in_use + w->cache + w->reportable +
                                                     w->trapped + w->percpu + w->unmanaged);
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
        .guest_is_known = guest != NULL && guest->received != 0,
        .ram = balloon->ram,
        .footprint = host->footprint,
        .swapped = host->swapped,
    };

    if (w.ram == 0 && w.guest_is_known)
        w.ram = guest->total;
    if (balloon->actual != 0)
        w.balloon = saturating_subtract(balloon->maximum, balloon->actual);
    if (w.guest_is_known) {
        w.skew = distance_between(guest->received, host->time) + guest->latency;
        take_guest(&w, guest, balloon->counts_as_used);
    }
    *ret_waterfall = w;
}
