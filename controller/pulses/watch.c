/* Readings of one VM over time. */
#include "controller/pulses/watch.h"

#include <assert.h>

#include "common/base/number.h"
#include "common/base/util.h"

/* An idle Linux guest moves less than that; one that compiles or boots moves it in a second. */
#define CALM_FREE   (16 * MIB)          /* between two readings, and 1 % of the guest's memory */
#define CALM_FAULTS 500                 /* minor ones per second: 2 MiB/s of pages touched first */
#define CALM_MAJOR  5                   /* per second */
#define GAP_MAX     (60 * NSEC_PER_SEC) /* without a reading nobody knows what was between */

static bool has_moved(uint64_t before, uint64_t now, uint64_t limit)
{
    return now < before || now - before > limit; /* backwards: it has booted */
}

/* False as well when it is not known. */
static bool is_calm(const struct pulse_watch *watch, const struct guest_reading *reading,
                    const struct pulse_counters *counters)
{
    const struct pulse_counters *before = &watch->counters;
    nsec_t gap = reading->read - watch->last.read;
    uint64_t seconds = gap / NSEC_PER_SEC + 1;
    uint64_t slack = max_of(CALM_FREE, reading->total / 100);

    if (watch->last.source == READING_NONE || gap > GAP_MAX || !watch->tells_faults)
        return false;
    return distance_between(watch->last.free, reading->free) <= slack &&
           !has_moved(before->minor_faults, counters->minor_faults, CALM_FAULTS * seconds) &&
           !has_moved(before->major_faults, counters->major_faults, CALM_MAJOR * seconds) &&
           !has_moved(before->swap_in, counters->swap_in, 0) &&
           !has_moved(before->swap_out, counters->swap_out, 0);
}

static void take_calmness(struct pulse_watch *watch, const struct guest_reading *reading,
                          const struct pulse_counters *counters)
{
    watch->tells_faults =
        counters->minor_faults != UINT64_MAX && counters->major_faults != UINT64_MAX;
    if (!is_calm(watch, reading, counters)) {
        watch->calm_since = 0;
        return;
    }
    if (watch->calm_since == 0) {
        watch->calm_since = watch->last.read;
        watch->calm_free = watch->last.free;
    }
    watch->calm_free = min_of(watch->calm_free, reading->free);
}

static void take_window(struct pulse_watch *watch, const struct guest_reading *reading,
                        nsec_t window)
{
    bool is_gap = watch->last.source == READING_NONE || reading->read - watch->last.read > GAP_MAX;

    if (is_gap || reading->read - watch->window_begun >= window) {
        watch->free_before = watch->window_free;
        watch->has_window_before = !is_gap;
        watch->window_begun = reading->read;
        watch->window_free = reading->free;
    }
    watch->window_free = min_of(watch->window_free, reading->free);
}

void pulse_watch_take(struct pulse_watch *watch, const struct guest_reading *reading,
                      const struct pulse_counters *counters, nsec_t window)
{
    if (reading->source == READING_NONE || reading->read <= watch->last.read)
        return;
    take_calmness(watch, reading, counters);
    take_window(watch, reading, window);
    watch->last = *reading;
    watch->counters = *counters;
    assert(watch->calm_since <= reading->read && watch->window_free <= reading->free);
}

bool pulse_watch_free_for_long(const struct pulse_watch *watch, uint64_t *ret_bytes)
{
    if (!watch->has_window_before)
        return false;
    *ret_bytes = min_of(watch->free_before, watch->window_free);
    return true;
}
