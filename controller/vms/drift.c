/* Drift of footprints. */
#include "controller/vms/drift.h"

#include "common/base/util.h"

#define SPAN_MAX (10 * NSEC_PER_SEC) /* a slope is not believed for longer */

void drift_begin(const struct vm *vm, struct drift *ret_drift)
{
    const struct waterfall *waterfall = &vm->waterfall;
    bool only_reporting =
        waterfall->guest_is_known && waterfall->swapped == 0 && vm->balloon == NULL;

    ret_drift->slope = footprint_history_slope(&vm->history);
    ret_drift->limit =
        only_reporting ? waterfall->reportable - min_of(waterfall->reportable, waterfall->held_back)
                       : INT64_MAX;
}

int64_t drift_over(const struct drift *drift, nsec_t duration)
{
    nsec_t span = min_of(duration, SPAN_MAX);
    int64_t fall = max_of(-drift->slope, (int64_t)0) * (int64_t)(span / NSEC_PER_MSEC) / 1000;

    return -min_of(fall, (int64_t)drift->limit);
}
