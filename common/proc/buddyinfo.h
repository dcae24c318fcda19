/* /proc/buddyinfo: free blocks per zone and order. */
#ifndef VMRECLAIM_COMMON_PROC_BUDDYINFO_H
#define VMRECLAIM_COMMON_PROC_BUDDYINFO_H

#include <stddef.h>
#include <stdint.h>

#include "common/proc/zonename.h"

#define BUDDY_ORDER_COUNT_MAX 20 /* more than any architecture's buddy allocator has */
#define BUDDYINFO_ZONES_MAX   64 /* further zones are in the sums only */

struct buddy_zone {
    uint32_t node;
    char name[ZONE_NAME_SIZE]; /* "Normal" */
    uint64_t free_blocks[BUDDY_ORDER_COUNT_MAX];
};

struct buddyinfo {
    uint32_t order_count; /* orders that the kernel has */
    uint64_t free_blocks[BUDDY_ORDER_COUNT_MAX];
    struct buddy_zone zones[BUDDYINFO_ZONES_MAX];
    size_t zone_count;
};

/* -EBADMSG: no zone in it; -errno of open and read. The struct may be half-written on failure. */
int buddyinfo_read(int root, struct buddyinfo *ret_buddyinfo);

/* Pages in blocks of `from` <= order < `to`. */
uint64_t buddy_pages(const uint64_t *free_blocks, uint32_t from, uint32_t to);

#endif
