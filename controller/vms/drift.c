/* Drift of footprints. */
#include "controller/vms/drift.h"

#include <stdlib.h>

#include "common/base/util.h"

#define SPAN_MAX (10 * NSEC_PER_SEC) /* a slope is not believed for longer */
#define WINDOW   (1900 * NSEC_PER_MSEC)
#define WINDOWS  FOOTPRINT_HISTORY_COUNT
#define LEAST    3

static int compare(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;

    return left < right ? -1 : left > right;
}

/* Bytes per second: the median over windows of two seconds, in each of which a kernel that reports
 * makes a pass. So what fell once is not taken for what goes on falling. 0: too little is known. */
static int64_t slope(const struct footprint_history *history)
{
    int64_t slopes[WINDOWS];
    size_t count = 0;

    for (uint32_t i = 0; i < FOOTPRINT_HISTORY_COUNT; i++) {
        const struct footprint_point *from = footprint_history_point(history, i);

        for (uint32_t j = i + 1; j < FOOTPRINT_HISTORY_COUNT && from->time != 0; j++) {
            const struct footprint_point *to = footprint_history_point(history, j);

            if (to->time < from->time + WINDOW)
                continue;
            slopes[count++] = (int64_t)(to->footprint - from->footprint) * 1000 /
                              (int64_t)((to->time - from->time) / NSEC_PER_MSEC);
            break;
        }
    }
    if (count < LEAST)
        return 0;
    qsort(slopes, count, sizeof(slopes[0]), compare);
    return slopes[count / 2];
}

void drift_begin(const struct vm *vm, struct drift *ret_drift)
{
    const struct waterfall *waterfall = &vm->waterfall;
    bool only_reporting =
        waterfall->guest_is_known && waterfall->swapped == 0 && vm->balloon == NULL;

    ret_drift->slope = slope(&vm->history);
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
