/* How often something took, or brought, how much. Pure. */
#ifndef VMRECLAIM_CONTROLLER_TELEMETRY_HISTOGRAM_H
#define VMRECLAIM_CONTROLLER_TELEMETRY_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

#define HISTOGRAM_BOUNDS_MAX 12

/* Upper ends of its buckets, ascending; one more bucket has what is above. Static data. */
struct histogram_bounds {
    int64_t list[HISTOGRAM_BOUNDS_MAX];
    size_t count;
};

extern const struct histogram_bounds histogram_times;      /* nanoseconds, of a turn or a call */
extern const struct histogram_bounds histogram_long_times; /* nanoseconds, of an action */
extern const struct histogram_bounds histogram_sizes;      /* bytes */

struct histogram {
    const struct histogram_bounds *bounds;
    uint64_t buckets[HISTOGRAM_BOUNDS_MAX + 1]; /* each alone */
    int64_t sum;                                /* stays at INT64_MAX once it is there */
};

void histogram_init(struct histogram *histogram, const struct histogram_bounds *bounds);

/* `value` is not negative. */
void histogram_add(struct histogram *histogram, int64_t value);

/* Of all values. */
uint64_t histogram_count(const struct histogram *histogram);

#endif
