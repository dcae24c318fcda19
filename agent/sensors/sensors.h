/* What the agent measures: one `struct memory_sample` from /proc and /sys under a root directory.
 *
 * sensors_read() is cheap and bounded: text files of a few KiB, and at most SENSORS_SCAN_SLICE of
 * /proc/kpageflags per call. Whoever has a loop goes on with sensors_scan_step() until the pass is
 * complete; otherwise a large guest's split would be minutes old. The split into reported and not
 * reported is that of the last complete pass over kpageflags. How much is free at which order is
 * always of this moment. So `reported` + `reportable` + `trapped` is the sum of /proc/buddyinfo in
 * every sample.
 *
 * `trapped` has no block that carries the reported mark, which small ones do after the reporting
 * order was lower for a while. They lose it in use, which is seen by how many are free at each
 * call. What was used and freed between two calls still counts as reported until an exact pass. */
#ifndef VMRECLAIM_AGENT_SENSORS_SENSORS_H
#define VMRECLAIM_AGENT_SENSORS_SENSORS_H

#include "agent/engine/sample.h"
#include "agent/sensors/ranges.h"
#include "common/proc/zoneinfo.h"

#define SENSORS_SCAN_SLICE NSEC_PER_MSEC

/* In the caller's memory (about 40 KiB); its members are private. */
struct sensors {
    int root;
    uint64_t sequence;
    uint32_t page_size;
    uint32_t pageblock_order;
    uint32_t huge_order; /* of 2 MiB, at most a pageblock: 512 MiB where pages have 64 KiB */
    uint32_t max_order;
    uint64_t clock_ticks;     /* of /proc/stat, per second */
    uint32_t reporting_order; /* ORDER_COUNT_MAX: absent */
    uint32_t lowest_order;    /* the reporting order has been, since init */
    int reporting_device;     /* of page_reporting_device() */
    struct ranges_scan scan;
    bool scan_is_running;
    int scan_error; /* of the last pass */
    nsec_t scan_ended;
    bool scan_is_valid;           /* a pass has completed */
    struct ranges_result scanned; /* the last one's */
    bool scanned_is_exact;
    uint64_t scanned_blocks[ORDER_COUNT_MAX];   /* free at its end */
    uint64_t zone_reported[ZONEINFO_ZONES_MAX]; /* its pages per zone */
    uint64_t zone_scanning[ZONEINFO_ZONES_MAX]; /* those of the running one */
    uint64_t
        marked[ORDER_COUNT_MAX]; /* pages in reported blocks by order, of the last exact pass */
    uint64_t marked_scanning[ORDER_COUNT_MAX];
    uint64_t held_back;
    struct zoneinfo zones;
    struct buddyinfo buddy;
};

/* `root` is a directory descriptor and stays the caller's. Page size, pageblock order and the
 * largest order are read here. -errno when not even /proc/meminfo and /proc/buddyinfo can be read.
 */
int sensors_init(struct sensors *sensors, int root);
void sensors_finish(struct sensors *sensors);

/* `now` is CLOCK_BOOTTIME. -errno only for what every Linux has (meminfo, buddyinfo, stat);
 * what a kernel lacks is left 0 with its `..._is_known` false. */
int sensors_read(struct sensors *sensors, nsec_t now, struct memory_sample *ret_sample);

/* A fresh pass over kpageflags, for a reading that must not be older than now. Start it, call step
 * from the loop until it returns 1, then sensors_read(). `exact` reads every page that matters.
 * Errors as ranges_scan_init(). */
int sensors_scan_start(struct sensors *sensors, bool exact);
int sensors_scan_step(struct sensors *sensors, nsec_t budget, nsec_t now);

static inline bool sensors_is_scanning(const struct sensors *sensors)
{
    return sensors->scan_is_running;
}

/* How long to leave the CPU to others between two slices. Quick passes are over within
 * milliseconds; those that read every page take some time of large guests. */
static inline nsec_t sensors_scan_pause(const struct sensors *sensors)
{
    return sensors->scan.options.exact ? 10 * NSEC_PER_MSEC : 0;
}

/* Why `reported` is not known: -ENOENT, -EACCES, -EPERM of /proc/kpageflags; 0: it is, or no pass
 * has ended yet. */
static inline int sensors_scan_error(const struct sensors *sensors)
{
    return sensors->scan_error;
}

/* Options for a ranges_scan of this guest: sizes and orders filled in, the rest zero. */
void sensors_ranges_options(const struct sensors *sensors, struct ranges_options *ret_options);

#endif
