/* Where RAM lies in physical address space. From "System RAM" at any depth of /proc/iomem, which
 * has hotplugged and virtio-mem memory too. Where addresses are hidden, from /proc/zoneinfo. */
#ifndef VMRECLAIM_COMMON_PROC_RAM_H
#define VMRECLAIM_COMMON_PROC_RAM_H

#include <stddef.h>
#include <stdint.h>

#define RAM_RANGES_MAX 64

struct ram_range {
    uint64_t start; /* bytes */
    uint64_t end;   /* exclusive */
};

/* Ascending, neighbours merged. Beyond RAM_RANGES_MAX the last range covers holes too. */
struct ram_map {
    struct ram_range ranges[RAM_RANGES_MAX];
    size_t count;
};

/* -EBADMSG: no RAM in it; -errno of open and read. */
int ram_map_read(int root, uint32_t page_size, struct ram_map *ret_map);

#endif
