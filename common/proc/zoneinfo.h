/* /proc/zoneinfo: watermarks and per-CPU lists of each zone. Pages. */
#ifndef VMRECLAIM_COMMON_PROC_ZONEINFO_H
#define VMRECLAIM_COMMON_PROC_ZONEINFO_H

#include <stddef.h>
#include <stdint.h>

#include "common/proc/zonename.h"

#define ZONEINFO_ZONES_MAX 64 /* further zones are in the sums only */

struct zone {
    uint32_t node;
    char name[ZONE_NAME_SIZE];
    uint64_t free;
    uint64_t low; /* watermark */
    uint64_t spanned;
    uint64_t present;
    uint64_t managed;
    uint64_t percpu; /* in the lists of all CPUs */
    uint64_t start_pfn;
};

struct zoneinfo {
    uint64_t percpu; /* of all zones */
    struct zone zones[ZONEINFO_ZONES_MAX];
    size_t zone_count;
};

/* -EBADMSG: no zone in it; -errno of open and read. The struct may be half-written on failure. */
int zoneinfo_read(int root, struct zoneinfo *ret_zoneinfo);

#endif
