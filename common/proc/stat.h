/* /proc/stat: CPU time since boot, in clock ticks (sysconf(_SC_CLK_TCK) per second). */
#ifndef VMRECLAIM_COMMON_PROC_STAT_H
#define VMRECLAIM_COMMON_PROC_STAT_H

#include <stdint.h>

struct stat_cpu {
    uint64_t user; /* guest time is in it */
    uint64_t nice;
    uint64_t system;
    uint64_t idle;
    uint64_t iowait;
    uint64_t irq;
    uint64_t softirq;
    uint64_t steal;
    uint32_t cpu_count; /* online */
};

/* -EBADMSG: no "cpu" line; -errno of open and read. */
int stat_read(int root, struct stat_cpu *ret_cpu);

#endif
