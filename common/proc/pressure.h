/* /proc/pressure/RESOURCE and a cgroup's RESOURCE.pressure: pressure stall information. */
#ifndef VMRECLAIM_COMMON_PROC_PRESSURE_H
#define VMRECLAIM_COMMON_PROC_PRESSURE_H

#include <stdint.h>

struct pressure {
    uint64_t some; /* microseconds since boot */
    uint64_t full; /* 0 where the kernel has no such line */
    /* of the last ten seconds, as the kernel decays them, permyriad */
    uint32_t some_avg10;
    uint32_t full_avg10;
};

/* -EOPNOTSUPP: built in but switched off at boot; -ENOENT: not built in; -EBADMSG. */
int pressure_read(int root, const char *path, struct pressure *ret_pressure);

#endif
