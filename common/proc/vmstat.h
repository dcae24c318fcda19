/* /proc/vmstat: event counters since boot; one that the kernel does not have is 0. */
#ifndef VMRECLAIM_COMMON_PROC_VMSTAT_H
#define VMRECLAIM_COMMON_PROC_VMSTAT_H

#include <stdint.h>

struct vmstat {
    uint64_t refault_file; /* pages */
    uint64_t refault_anon;
    uint64_t major_faults;
    uint64_t oom_kills;
    uint64_t balloon_inflate; /* pages */
    uint64_t balloon_deflate;
    uint64_t migrated; /* pages moved, by compaction and others */
    uint64_t compact_migrate_scanned;
    uint64_t compact_free_scanned;
    uint64_t compact_isolated;
    uint64_t steal_kswapd;
    uint64_t steal_direct;
};

/* -errno of open and read. */
int vmstat_read(int root, struct vmstat *ret_vmstat);

#endif
