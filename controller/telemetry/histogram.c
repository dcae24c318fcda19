/* Histograms. */
#include "controller/telemetry/histogram.h"

#include <assert.h>

#include "common/base/number.h"
#include "common/base/time.h"

#define MSEC (INT64_C(1000) * 1000)
#define SEC  (1000 * MSEC)

const struct histogram_bounds histogram_times = {
    {MSEC / 10, MSEC, 5 * MSEC, 10 * MSEC, 50 * MSEC, 100 * MSEC, 500 * MSEC, SEC, 5 * SEC}, 9};

const struct histogram_bounds histogram_long_times = {
    {MSEC * 100, 300 * MSEC, SEC, 3 * SEC, 10 * SEC, 30 * SEC, 100 * SEC, 300 * SEC}, 8};

const struct histogram_bounds histogram_sizes = {
    {0, (int64_t)MIB, (int64_t)(4 * MIB), (int64_t)(16 * MIB), (int64_t)(64 * MIB),
     (int64_t)(256 * MIB), (int64_t)GIB, (int64_t)(4 * GIB), (int64_t)(16 * GIB)},
    9};

void histogram_init(struct histogram *histogram, const struct histogram_bounds *bounds)
{
    *histogram = (struct histogram){.bounds = bounds};
}

void histogram_add(struct histogram *histogram, int64_t value)
{
    size_t i = 0;

    assert(value >= 0);
    while (i < histogram->bounds->count && value > histogram->bounds->list[i])
        i++;
    histogram->buckets[i]++;
    histogram->sum = histogram->sum > INT64_MAX - value ? INT64_MAX : histogram->sum + value;
}

uint64_t histogram_count(const struct histogram *histogram)
{
    uint64_t count = 0;

    for (size_t i = 0; i <= histogram->bounds->count; i++)
        count += histogram->buckets[i];
    return count;
}
