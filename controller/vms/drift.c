/* Drift of footprints. */
#include "controller/vms/drift.h"

#include <stdlib.h>

#include "common/base/number.h"
#include "common/base/util.h"

#define SPAN_MAX (10 * NSEC_PER_SEC) /* a slope is not believed for longer */
#define WINDOW   (1900 * NSEC_PER_MSEC)
#define LEAST    3
#define SKEW_MAX (2 * NSEC_PER_SEC)
#define MUCH     (32 * MIB)

/* Bytes per second over windows of two seconds, in each of which a kernel that reports makes a
 * pass. */
struct slopes {
    int64_t values[FOOTPRINT_HISTORY_COUNT]; /* of the older windows first */
    size_t count;
};

static int compare(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;

    return left < right ? -1 : left > right;
}

static void find_slopes(const struct footprint_history *history, struct slopes *slopes)
{
    slopes->count = 0;
    for (uint32_t i = 0; i < FOOTPRINT_HISTORY_COUNT; i++) {
        const struct footprint_point *from = footprint_history_point(history, i);

        for (uint32_t j = i + 1; j < FOOTPRINT_HISTORY_COUNT && from->time != 0; j++) {
            const struct footprint_point *to = footprint_history_point(history, j);

            if (to->time < from->time + WINDOW)
                continue;
            slopes->values[slopes->count++] = (int64_t)(to->footprint - from->footprint) * 1000 /
                                              (int64_t)((to->time - from->time) / NSEC_PER_MSEC);
            break;
        }
    }
}

/* The median, so that what fell once is not taken for what goes on falling; where much waits to be
 * reported, a fall that has just begun is believed. */
static int64_t slope_of(const struct vm *vm, bool much_waits)
{
    struct slopes slopes;
    int64_t newest;

    find_slopes(&vm->history, &slopes);
    if (slopes.count < LEAST)
        return 0;
    newest = slopes.values[slopes.count - 1];
    qsort(slopes.values, slopes.count, sizeof(slopes.values[0]), compare);
    return much_waits ? min_of(newest, slopes.values[slopes.count / 2])
                      : slopes.values[slopes.count / 2];
}

void drift_begin(const struct vm *vm, struct drift *ret_drift)
{
    const struct waterfall *waterfall = &vm->waterfall;
    bool only_reporting = waterfall->guest_is_known && waterfall->skew <= SKEW_MAX &&
                          waterfall->swapped == 0 && waterfall->balloon == 0 && vm->balloon == NULL;
    uint64_t waits = waterfall->reportable - min_of(waterfall->reportable, waterfall->held_back);

    ret_drift->limit = only_reporting ? waits : INT64_MAX;
    ret_drift->slope = slope_of(vm, only_reporting && waits > MUCH);
}

int64_t drift_over(const struct drift *drift, nsec_t duration)
{
    nsec_t span = min_of(duration, SPAN_MAX);
    int64_t fall = max_of(-drift->slope, (int64_t)0) * (int64_t)(span / NSEC_PER_MSEC) / 1000;

    return -min_of(fall, (int64_t)drift->limit);
}
