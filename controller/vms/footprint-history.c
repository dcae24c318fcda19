/* Footprints over time, thinner the older they are. */
#include "controller/vms/footprint-history.h"

#include <assert.h>
#include <stddef.h>

/* The points of each reach back (count - 1) times the interval, at least. That is 23 s, four
 * minutes, and 68 minutes, because a policy's step may take an hour. */
static const struct {
    uint32_t first; /* index of its first point */
    uint32_t count;
    nsec_t interval; /* 0: every point */
} series[FOOTPRINT_HISTORY_SERIES] = {
    {0, FOOTPRINT_HISTORY_RECENT, 0},
    {24, 16, 15 * NSEC_PER_SEC},
    {40, 18, 240 * NSEC_PER_SEC},
};

static_assert(sizeof(struct footprint_history) <= 1024, "there are 10,000 VMs");
static_assert(FOOTPRINT_HISTORY_RECENT + 16 + 18 == FOOTPRINT_HISTORY_COUNT, "all points are used");

/* The index in `points` of a series' point; its newest has age 0. */
static uint32_t index_of(const struct footprint_history *history, size_t which, uint32_t age)
{
    uint32_t count = series[which].count;

    assert(count > 0 && age < count && history->next[which] < count);
    return series[which].first + (history->next[which] + 2 * count - 1 - age) % count;
}

void footprint_history_add(struct footprint_history *history, nsec_t time, uint64_t footprint)
{
    for (size_t i = 0; i < FOOTPRINT_HISTORY_SERIES; i++) {
        nsec_t newest = history->points[index_of(history, i, 0)].time;

        if (newest != 0 && time < newest + series[i].interval)
            continue;
        history->points[series[i].first + history->next[i]] =
            (struct footprint_point){time, footprint};
        history->next[i] = (history->next[i] + 1) % series[i].count;
        assert(history->points[index_of(history, i, 0)].time == time);
    }
}

static void lower(struct footprint_point *point, int64_t bytes)
{
    if (bytes < 0 || point->footprint >= (uint64_t)bytes)
        point->footprint -= (uint64_t)bytes;
    else
        point->footprint = 0;
}

void footprint_history_claim(struct footprint_history *history, nsec_t time, uint64_t footprint)
{
    history->claimed = (struct footprint_point){time, footprint};
}

void footprint_history_lower(struct footprint_history *history, int64_t bytes)
{
    for (uint32_t i = 0; i < FOOTPRINT_HISTORY_COUNT; i++)
        lower(&history->points[i], bytes);
    lower(&history->claimed, bytes);
}

const struct footprint_point *footprint_history_at(const struct footprint_history *history,
                                                   nsec_t time)
{
    const struct footprint_point *best = NULL;

    for (size_t i = 0; i < FOOTPRINT_HISTORY_COUNT; i++) {
        const struct footprint_point *point = &history->points[i];

        if (point->time != 0 && point->time <= time && (best == NULL || point->time > best->time))
            best = point;
    }
    return best;
}

const struct footprint_point *footprint_history_recent(const struct footprint_history *history,
                                                       uint32_t age)
{
    static const struct footprint_point none;

    return age < FOOTPRINT_HISTORY_RECENT ? &history->points[index_of(history, 0, age)] : &none;
}
