/* One sample of the guest.
 *
 * Theory of operation. A call reads a handful of text files. It also reads a slice of a pass over
 * kpageflags when the split into reported and not reported may have changed. That is when free
 * blocks changed since the last pass, when some are not reported yet, or when the pass is old. A
 * guest in which nothing happens costs no pass. Passes are quick ones (see ranges.h) while
 * reporting works in whole pageblocks. With a lower order every page must be read, and a pass
 * spreads over more calls.
 *
 * Failure modes. kpageflags may be missing, or forbidden by lockdown: `reported` is then not known
 * and all free memory of the reporting order counts as reportable. A reader of one CPU's files may
 * see free memory of a moment earlier in one file than in another; sums are clamped, never
 * negative. */
#include "agent/sensors/sensors.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/base/file.h"
#include "common/base/number.h"
#include "common/base/util.h"
#include "common/proc/lines.h"
#include "common/proc/meminfo.h"
#include "common/proc/page-reporting.h"
#include "common/proc/pages.h"
#include "common/proc/pressure.h"
#include "common/proc/stat.h"
#include "common/proc/vmstat.h"

#define SCAN_AGE_MAX    (600 * NSEC_PER_SEC)  /* a pass over a large guest is many wake-ups */
#define SCAN_AGE_MIN    (500 * NSEC_PER_MSEC) /* what was scanned for a reading is in that reading */
#define SCAN_AGE_LITTLE (60 * NSEC_PER_SEC)
#define SCAN_LITTLE     256 /* this part of the memory is little */
#define HELD_BACK_GAP   32  /* blocks of the reporting order, mm/page_reporting.c's margin */

static_assert((unsigned)ORDER_COUNT_MAX == BUDDY_ORDER_COUNT_MAX, "one bound for both");

/* Where reporting is absent, free memory is still split by the order it would have. */
static uint32_t effective_order(const struct sensors *sensors)
{
    return sensors->reporting_order < ORDER_COUNT_MAX ? sensors->reporting_order
                                                      : sensors->pageblock_order;
}

static void read_reporting_order(struct sensors *sensors)
{
    sensors->reporting_order = ORDER_COUNT_MAX;
    if (sensors->reporting_device == 0)
        (void)page_reporting_order_in_force(sensors->root, sensors->max_order,
                                            sensors->pageblock_order, &sensors->reporting_order);
    sensors->lowest_order = min_of(sensors->lowest_order, effective_order(sensors));
}

static uint32_t order_of(uint64_t bytes, uint32_t page_size)
{
    uint32_t order = 0;

    while (order < ORDER_COUNT_MAX - 1 && (uint64_t)page_size << order < bytes)
        order++;
    return order;
}

int sensors_init(struct sensors *sensors, int root)
{
    struct meminfo meminfo;
    int r;

    memset(sensors, 0, sizeof(*sensors));
    sensors->root = root;
    sensors->page_size = page_size_read(root);
    sensors->clock_ticks = (uint64_t)sysconf(_SC_CLK_TCK);
    r = meminfo_read(root, &meminfo);
    if (r < 0)
        return r;
    r = buddyinfo_read(root, &sensors->buddy);
    if (r < 0)
        return r;
    sensors->max_order = sensors->buddy.order_count - 1;
    sensors->pageblock_order = pageblock_order_read(root, sensors->page_size, sensors->max_order);
    sensors->huge_order = min_of(sensors->pageblock_order, order_of(2 * MIB, sensors->page_size));
    sensors->lowest_order = ORDER_COUNT_MAX;
    sensors->reporting_device = page_reporting_device(root);
    read_reporting_order(sensors);
    return 0;
}

void sensors_finish(struct sensors *sensors)
{
    if (sensors->scan_is_running)
        ranges_scan_finish(&sensors->scan);
    sensors->scan_is_running = false;
}

void sensors_ranges_options(const struct sensors *sensors, struct ranges_options *ret_options)
{
    *ret_options = (struct ranges_options){
        .page_size = sensors->page_size,
        .pageblock_order = sensors->pageblock_order,
        .max_order = sensors->max_order,
        .reporting_order = effective_order(sensors),
        .lowest_order = sensors->pageblock_order,
        .exact = true,
    };
}

/* Adds a reported block to its order and zone; zones of nodes whose memory interleaves may mix. */
static void count_in_zone(uint64_t pfn, uint32_t order, bool reported, void *userdata)
{
    struct sensors *sensors = userdata;

    if (reported && order < ORDER_COUNT_MAX)
        sensors->marked_scanning[order] += (uint64_t)1 << order;
    if (!reported || order < effective_order(sensors))
        return;
    for (size_t i = 0; i < sensors->zones.zone_count; i++) {
        const struct zone *zone = &sensors->zones.zones[i];
        if (pfn >= zone->start_pfn && pfn - zone->start_pfn < zone->spanned) {
            sensors->zone_scanning[i] += (uint64_t)1 << order;
            return;
        }
    }
}

int sensors_scan_start(struct sensors *sensors, bool exact)
{
    struct ranges_options options;
    int r;

    sensors_finish(sensors);
    assert(!sensors->scan_is_running);
    sensors->reporting_device = page_reporting_device(sensors->root);
    read_reporting_order(sensors);
    sensors_ranges_options(sensors, &options);
    options.exact = exact || effective_order(sensors) < sensors->pageblock_order;
    options.lowest_order = exact ? 0 : sensors->lowest_order;
    options.block = count_in_zone;
    options.userdata = sensors;
    memset(sensors->zone_scanning, 0, sizeof(sensors->zone_scanning));
    memset(sensors->marked_scanning, 0, sizeof(sensors->marked_scanning));
    r = ranges_scan_init(&sensors->scan, sensors->root, &options);
    sensors->scan_error = r;
    if (r < 0)
        return r;
    sensors->scan_is_running = true;
    return 0;
}

/* Bytes in reported blocks below `order`, as the last exact pass saw them. */
static uint64_t marked_below(const struct sensors *sensors, uint32_t order)
{
    uint64_t pages = 0;

    for (uint32_t i = 0; i < order && i < ORDER_COUNT_MAX; i++)
        pages += sensors->marked[i];
    return pages * sensors->page_size;
}

/* A block that is used loses its mark, and small ones are used first. No more are marked than were
 * free at any time since marks were seen. */
static void forget_used_marks(struct sensors *sensors)
{
    for (uint32_t i = 0; i < ORDER_COUNT_MAX; i++)
        sensors->marked[i] = min_of(sensors->marked[i], sensors->buddy.free_blocks[i] << i);
}

static void take_scan(struct sensors *sensors)
{
    const struct ranges_scan *scan = &sensors->scan;

    sensors->scanned = scan->result;
    sensors->scanned_is_exact = scan->options.exact;
    /* All marks were seen: some may be older than we are. */
    if (scan->options.exact && scan->options.lowest_order == 0)
        sensors->lowest_order = sensors->scanned.reported_small > 0 ? 0 : effective_order(sensors);
    if (scan->options.exact)
        memcpy(sensors->marked, sensors->marked_scanning, sizeof(sensors->marked));
    sensors->scanned.reported =
        saturating_subtract(scan->result.reported, scan->result.reported_small);
    memcpy(sensors->zone_reported, sensors->zone_scanning, sizeof(sensors->zone_reported));
    memcpy(sensors->scanned_blocks, sensors->buddy.free_blocks, sizeof(sensors->scanned_blocks));
    sensors->scan_is_valid = true;
}

int sensors_scan_step(struct sensors *sensors, nsec_t budget, nsec_t now)
{
    int r;

    if (!sensors->scan_is_running)
        return -EINVAL;
    r = ranges_scan_step(&sensors->scan, budget);
    if (r == 0)
        return 0;
    if (r > 0)
        take_scan(sensors);
    else
        sensors->scan_error = r;
    assert(now >= sensors->scan_ended);
    sensors->scan_ended = now;
    sensors_finish(sensors);
    return r;
}

/* Pages by which the free blocks of `order` and above differ from those at the last pass. */
static uint64_t changed_pages(const struct sensors *sensors, uint32_t order)
{
    uint64_t pages = 0;

    for (uint32_t i = order; i < ORDER_COUNT_MAX; i++) {
        uint64_t now = sensors->buddy.free_blocks[i];
        uint64_t then = sensors->scanned_blocks[i];
        pages += distance_between(now, then) << i;
    }
    return pages;
}

static uint64_t managed_pages(const struct sensors *sensors)
{
    uint64_t pages = 0;

    for (size_t i = 0; i < sensors->zones.zone_count; i++)
        pages += sensors->zones.zones[i].managed;
    return pages;
}

/* Bytes in free blocks that could be reported, or have been. */
static uint64_t large_free(const struct sensors *sensors)
{
    return buddy_pages(sensors->buddy.free_blocks, effective_order(sensors), ORDER_COUNT_MAX) *
           sensors->page_size;
}

/* How old the last pass may be: the less another one could say, the older. */
static nsec_t scan_age_limit(const struct sensors *sensors)
{
    uint32_t order = effective_order(sensors);
    uint64_t changed = changed_pages(sensors, order);
    uint64_t unreported =
        saturating_subtract(large_free(sensors), sensors->scanned.reported + sensors->held_back);
    uint64_t little = managed_pages(sensors) / SCAN_LITTLE;

    if (sensors->scan_error < 0 || sensors->reporting_device != 0)
        return SCAN_AGE_LITTLE; /* no marks are seen, or none are made, as yet */
    if (!sensors->scan_is_valid || sensors->scan.options.reporting_order != order)
        return SCAN_AGE_MIN;
    if (changed == 0 && unreported == 0)
        return SCAN_AGE_MAX;
    /* A lowered order is idle work under way. */
    if (order >= sensors->pageblock_order && changed <= little &&
        unreported / sensors->page_size <= little)
        return SCAN_AGE_LITTLE;
    return SCAN_AGE_MIN;
}

static bool wants_scan(const struct sensors *sensors, nsec_t now)
{
    return sensors->scan_ended == 0 || now - sensors->scan_ended >= scan_age_limit(sensors);
}

static void advance_scan(struct sensors *sensors, nsec_t now)
{
    if (!sensors->scan_is_running && wants_scan(sensors, now) &&
        sensors_scan_start(sensors, false) < 0)
        sensors->scan_ended = now;
    if (sensors->scan_is_running)
        (void)sensors_scan_step(sensors, SENSORS_SCAN_SLICE, now);
}

/* Compressed bytes of all zram devices: the third number of each mm_stat. */
static uint64_t read_zram(int root)
{
    uint64_t sum = 0;

    for (unsigned i = 0;; i++) {
        char path[48];
        char text[256];
        const char *rest = text;
        uint64_t value = 0;

        snprintf(path, sizeof(path), "sys/block/zram%u/mm_stat", i);
        if (file_read_into(root, path, text, sizeof(text)) < 0)
            return sum;
        for (unsigned column = 0; column < 3; column++)
            if (lines_number(&rest, &value) < 0)
                return sum;
        sum += value;
    }
}

static int read_memory(const struct sensors *sensors, struct memory_sample *sample)
{
    struct meminfo meminfo;

    int r = meminfo_read(sensors->root, &meminfo);
    if (r < 0)
        return r;
    sample->total = meminfo.total;
    sample->free = meminfo.free;
    sample->available = meminfo.available;
    sample->used = (struct used_memory){
        .anon = meminfo.anon,
        .shmem = meminfo.shmem,
        .hugetlb = meminfo.hugetlb,
        .slab_unreclaimable = meminfo.slab_unreclaimable,
        .kernel = meminfo.kernel_stack + meminfo.page_tables + meminfo.secondary_page_tables,
        .zram = read_zram(sensors->root),
    };
    /* Mapped has shared memory in it, which is in no list of file pages: a database's buffers. */
    sample->cached = (struct cached_memory){
        .active_file = meminfo.active_file,
        .inactive_file = meminfo.inactive_file,
        .slab_reclaimable = meminfo.slab_reclaimable,
        .dirty = meminfo.dirty,
        .writeback = meminfo.writeback,
        .mapped = saturating_subtract(meminfo.mapped, meminfo.shmem),
    };
    sample->swap_total = meminfo.swap_total;
    sample->swap_free = meminfo.swap_free;
    sample->cache =
        saturating_subtract(meminfo.active_file + meminfo.inactive_file + meminfo.slab_reclaimable,
                            meminfo.dirty + meminfo.writeback + sample->cached.mapped);
    return 0;
}

static int read_activity(const struct sensors *sensors, struct memory_sample *sample)
{
    struct activity_counters *activity = &sample->activity;
    nsec_t tick = NSEC_PER_SEC / sensors->clock_ticks;
    struct pressure pressure;
    struct vmstat vmstat;
    struct stat_cpu cpu;

    int r = stat_read(sensors->root, &cpu);
    if (r < 0)
        return r;
    sample->cpu_count = cpu.cpu_count;
    activity->cpu_user = (cpu.user + cpu.nice) * tick;
    activity->cpu_busy = activity->cpu_user + (cpu.system + cpu.irq + cpu.softirq) * tick;
    activity->cpu_total = activity->cpu_busy + (cpu.idle + cpu.iowait + cpu.steal) * tick;
    if (pressure_read(sensors->root, "proc/pressure/memory", &pressure) == 0) {
        activity->psi_is_known = true;
        activity->psi_memory_some = pressure.some;
        activity->psi_memory_full = pressure.full;
    }
    if (pressure_read(sensors->root, "proc/pressure/io", &pressure) == 0)
        activity->psi_io_some = pressure.some;
    if (vmstat_read(sensors->root, &vmstat) == 0) {
        activity->refault_file = vmstat.refault_file;
        activity->refault_anon = vmstat.refault_anon;
        activity->major_faults = vmstat.major_faults;
        activity->oom_kills = vmstat.oom_kills;
        sample->balloon_pages = saturating_subtract(vmstat.balloon_inflate, vmstat.balloon_deflate);
    }
    return 0;
}

/* Reporting passes over a zone whose free memory is within HELD_BACK_GAP blocks of its low
 * watermark: what it could take there stays. Bytes. */
static uint64_t held_back(const struct sensors *sensors)
{
    uint32_t order = effective_order(sensors);
    uint64_t pages = 0;

    for (size_t i = 0; i < sensors->zones.zone_count; i++) {
        const struct zone *zone = &sensors->zones.zones[i];

        if (zone->free > zone->low + ((uint64_t)HELD_BACK_GAP << order))
            continue;
        for (size_t j = 0; j < sensors->buddy.zone_count; j++) {
            const struct buddy_zone *buddy = &sensors->buddy.zones[j];
            if (buddy->node == zone->node && strcmp(buddy->name, zone->name) == 0)
                pages +=
                    saturating_subtract(buddy_pages(buddy->free_blocks, order, ORDER_COUNT_MAX),
                                        sensors->zone_reported[i]);
        }
    }
    return pages * sensors->page_size;
}

/* Splits what buddyinfo has into reported, reportable and trapped. */
static void split_free(struct sensors *sensors, struct memory_sample *sample)
{
    uint32_t order = effective_order(sensors);
    uint64_t large = large_free(sensors);
    uint64_t small = buddy_pages(sensors->buddy.free_blocks, 0, order) * sensors->page_size;
    uint64_t reported_large = min_of(sensors->scanned.reported, large);
    uint64_t reported_small = min_of(marked_below(sensors, order), small);

    sensors->held_back = held_back(sensors);
    sample->reported = reported_large + reported_small;
    sample->reported_small = min_of(marked_below(sensors, sensors->huge_order), sample->reported);
    sample->reportable = large - reported_large;
    sample->trapped = small - reported_small;
    sample->held_back = min_of(sensors->held_back, sample->reportable);
    sample->reported_is_known = sensors->scan_is_valid && sensors->scan_error == 0;
    sample->reported_is_exact = sample->reported_is_known && sensors->scanned_is_exact;
    assert(sample->reported + sample->reportable + sample->trapped == large + small);
    assert(sample->held_back <= sample->reportable && sample->reported_small <= sample->reported);
}

/* What the agent itself costs: more exact than the kernel's ticks, and not the guest's activity. */
static nsec_t own_cpu(void)
{
    struct timespec spent;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &spent);
    return (nsec_t)spent.tv_sec * NSEC_PER_SEC + (nsec_t)spent.tv_nsec;
}

int sensors_read(struct sensors *sensors, nsec_t now, struct memory_sample *ret_sample)
{
    struct memory_sample sample = {0};

    int r = read_memory(sensors, &sample);
    if (r < 0)
        return r;
    r = read_activity(sensors, &sample);
    if (r < 0)
        return r;
    sample.activity.cpu_own = own_cpu();
    r = buddyinfo_read(sensors->root, &sensors->buddy);
    if (r < 0)
        return r;
    if (zoneinfo_read(sensors->root, &sensors->zones) < 0)
        memset(&sensors->zones, 0, sizeof(sensors->zones));
    read_reporting_order(sensors);
    forget_used_marks(sensors);
    advance_scan(sensors, now);
    split_free(sensors, &sample);
    sample.percpu = sensors->zones.percpu * sensors->page_size;
    sample.in_use = saturating_subtract(sample.total, sample.free + sample.percpu + sample.cache);
    sample.sequence = ++sensors->sequence;
    sample.boottime = now;
    memcpy(sample.free_blocks, sensors->buddy.free_blocks, sizeof(sample.free_blocks));
    sample.order_count = sensors->buddy.order_count;
    sample.page_size = sensors->page_size;
    sample.pageblock_order = sensors->pageblock_order;
    sample.reporting_order = sensors->reporting_order;
    *ret_sample = sample;
    return 0;
}
