/* Which blocks of guest-physical memory are free, and which of them the kernel has reported to the
 * hypervisor. Read from /proc/kpageflags, in slices short enough for an event loop.
 *
 * Blocks are counted at every order. Ranges are given in units of a pageblock, because a free
 * pageblock is always one free block, or part of a larger one. Memory is bounded for any guest. */
#ifndef VMRECLAIM_AGENT_SENSORS_RANGES_H
#define VMRECLAIM_AGENT_SENSORS_RANGES_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/sensors/proof.h"
#include "common/base/time.h"
#include "common/proc/buddyinfo.h"
#include "common/proc/kpageflags.h"
#include "common/proc/ram.h"

enum range_state {
    RANGE_REPORTED,
    RANGE_REPORTABLE,
};

/* Guest-physical bytes; `length` is a multiple of the pageblock size. */
struct range {
    uint64_t start;
    uint64_t length;
    enum range_state state;
};

/* Called in ascending order; neighbours of one state come merged. */
typedef void (*range_callback)(const struct range *range, void *userdata);

/* Called for every free block of the reporting order or above and for every reported one: `pfn` is
 * its first page. */
typedef void (*range_block_callback)(uint64_t pfn, uint32_t order, bool reported, void *userdata);

struct ranges_options {
    uint32_t page_size;
    uint32_t pageblock_order;
    uint32_t max_order;         /* largest order of the buddy allocator */
    uint32_t reporting_order;   /* free blocks below it are not reportable */
    uint32_t lowest_order;      /* the lowest the reporting order has been: smaller blocks carry no
                                   mark; below the pageblock order every page must be read */
    bool exact;                 /* false: reported blocks only, see ranges_scan */
    uint64_t start;             /* guest-physical bytes; widened to whole pageblocks */
    uint64_t length;            /* 0: to the end */
    range_callback range;       /* may be NULL */
    range_block_callback block; /* may be NULL */
    void *userdata;
};

struct ranges_result {
    uint64_t reported;       /* bytes in reported blocks */
    uint64_t reported_small; /* of it: in blocks now below the reporting order */
    uint64_t reportable; /* bytes in unreported blocks of the reporting order or above; 0 of a pass
                            that is not exact */
};

struct ranges_free_block {
    uint64_t pfn;
    uint32_t order;
    bool reported;
};

/* A pass in the caller's memory (about 6 KiB); its members are private.
 *
 * A pass that is not exact finds reported blocks only, by the first page of each pageblock. Of one
 * that may be the tail of such a block it looks at the last page. It may take it for a tail where
 * it has a hole elsewhere. */
struct ranges_scan {
    struct ranges_options options;
    struct ram_map map;
    size_t map_index;
    int root;               /* the caller's */
    struct proof proof;     /* of an exact pass */
    uint64_t group;         /* first page of the pageblocks that were looked at last */
    uint64_t looks_free;    /* a bit for each of them */
    uint64_t looks_marked;  /* its first page is */
    bool reading_candidate; /* and it had no hole so far */
    uint64_t pfn;           /* next to read */
    uint64_t end;           /* of the part asked for, widened to the largest blocks */
    uint64_t clip_start;    /* the part asked for in whole pageblocks, bytes */
    uint64_t clip_end;
    unsigned cost; /* since the clock was last read */
    int descriptor;
    struct ranges_free_block stack[BUDDY_ORDER_COUNT_MAX + 1];
    size_t stack_depth;
    struct range pending; /* length 0: none */
    struct ranges_result result;
    uint64_t flags[KPAGEFLAGS_BATCH];
};

/* Errors: -ENOENT, -EACCES, -EPERM without a usable /proc/kpageflags; -EINVAL: options. */
int ranges_scan_init(struct ranges_scan *scan, int root, const struct ranges_options *options);

/* Goes on until `budget` of time is used up or a fixed amount of work is done, at least by one
 * read. That is 23 pageblocks of 512 pages read whole, 227 looked at, or 2,000 of which the first
 * page is in use. 1: complete, and `scan->result` is valid; 0: call again; -errno: over, only
 * finish. */
int ranges_scan_step(struct ranges_scan *scan, nsec_t budget);

void ranges_scan_finish(struct ranges_scan *scan);

#endif
