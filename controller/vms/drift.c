/* Drift of footprints. */
#include "controller/vms/drift.h"

#include <assert.h>
#include <stdlib.h>

#include "common/base/number.h"
#include "common/base/util.h"

#define SPAN_MAX (10 * NSEC_PER_SEC) /* a slope is not believed for longer */
#define WINDOW   (1900 * NSEC_PER_MSEC)
#define LEAST    3
#define POINTS   8 /* of the last seconds */
#define SKEW_MAX (2 * NSEC_PER_SEC)
#define MUCH     (32 * MIB)

/* Bytes per second over windows of two seconds, in each of which a kernel that reports makes a
 * pass. */
struct slopes {
    int64_t values[POINTS]; /* of the older windows first */
    size_t count;
};

static int compare(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;

    return left < right ? -1 : left > right;
}

/* The points before `start`, the oldest first. */
struct before {
    const struct footprint_point *points[POINTS];
    size_t count;
};

static void find_points(const struct footprint_history *history, nsec_t start,
                        struct before *before)
{
    uint32_t age = 0;

    before->count = 0;
    while (footprint_history_recent(history, age)->time > start)
        age++;
    for (uint32_t i = age + POINTS; i-- > age;) {
        const struct footprint_point *point = footprint_history_recent(history, i);

        if (point->time != 0 && point->time >= history->claimed.time)
            before->points[before->count++] = point;
        assert(before->count < 2 || point->time >= before->points[0]->time);
    }
    assert(before->count <= POINTS);
}

static void find_slopes(const struct before *before, struct slopes *slopes)
{
    slopes->count = 0;
    for (size_t i = 0; i < before->count; i++) {
        const struct footprint_point *from = before->points[i];

        for (size_t j = i + 1; j < before->count; j++) {
            const struct footprint_point *to = before->points[j];

            if (to->time < from->time + WINDOW)
                continue;
            slopes->values[slopes->count++] = (int64_t)(to->footprint - from->footprint) * 1000 /
                                              (int64_t)((to->time - from->time) / NSEC_PER_MSEC);
            break;
        }
    }
    assert(slopes->count <= before->count);
}

/* The median, so that a single fall is not taken for one that goes on. Where much waits to be
 * reported, a fall that has just begun is believed. */
static void find_slope(const struct vm *vm, nsec_t start, bool much_waits, struct drift *drift)
{
    struct before before;
    struct slopes slopes;
    int64_t newest;

    find_points(&vm->measured.history, start, &before);
    find_slopes(&before, &slopes);
    drift->slope = 0;
    drift->is_known = slopes.count >= LEAST;
    if (!drift->is_known)
        return;
    newest = slopes.values[slopes.count - 1];
    qsort(slopes.values, slopes.count, sizeof(slopes.values[0]), compare);
    drift->slope = slopes.values[slopes.count / 2];
    if (much_waits)
        drift->slope = min_of(newest, drift->slope);
}

/* Whether nothing but reporting takes memory from the VM. */
static bool only_reporting_takes(const struct vm *vm)
{
    return vm->measured.waterfall.swapped == 0 && vm->measured.waterfall.balloon == 0 &&
           !vm->leased;
}

void drift_begin_at(const struct vm *vm, nsec_t start, uint64_t waits, struct drift *ret_drift)
{
    bool only_reporting = waits != DRIFT_WAITS_UNKNOWN && only_reporting_takes(vm);

    ret_drift->limit = only_reporting ? waits : INT64_MAX;
    find_slope(vm, start, only_reporting && waits > MUCH, ret_drift);
}

void drift_begin(const struct vm *vm, struct drift *ret_drift)
{
    const struct waterfall *waterfall = &vm->measured.waterfall;
    bool known = waterfall->guest_is_known && waterfall->skew <= SKEW_MAX;
    uint64_t waits = waterfall->reportable - min_of(waterfall->reportable, waterfall->held_back);

    drift_begin_at(vm, UINT64_MAX, known ? waits : DRIFT_WAITS_UNKNOWN, ret_drift);
}

int64_t drift_over(const struct drift *drift, nsec_t duration)
{
    nsec_t span = min_of(duration, SPAN_MAX);
    int64_t fall = max_of(-drift->slope, (int64_t)0) * (int64_t)(span / NSEC_PER_MSEC) / 1000;

    assert(drift->limit <= INT64_MAX && fall >= 0);
    return -min_of(fall, (int64_t)drift->limit);
}
