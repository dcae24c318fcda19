/* What is too dear for every sample: read on request (GetMemory) only. */
#ifndef VMRECLAIM_AGENT_SENSORS_DETAILS_H
#define VMRECLAIM_AGENT_SENSORS_DETAILS_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/engine/sample.h"

/* Bytes, but for pageblocks. */
struct memory_details {
    bool trapped_kinds_are_known;
    uint64_t trapped_unmovable;   /* of the sample's `trapped`: on the kernel's unmovable lists */
    uint64_t trapped_reclaimable; /* ... and among slab that only dropping caches frees */
    uint64_t unmovable_blocks;    /* pageblocks set apart for those two */
    uint64_t tmpfs;               /* of the sample's `shmem` */
    uint64_t hugetlb_free;        /* of the sample's `hugetlb` */
    uint64_t zfs_arc;
};

/* What this kernel does not have, or does not show, is 0. */
void details_read(int root, const struct memory_sample *sample, struct memory_details *ret_details);

#endif
