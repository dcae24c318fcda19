/* The guest's memory, mapped from the files that the front end passed. */
#ifndef VMRECLAIM_TESTS_LAB_VSOCK_DEVICE_MAPPING_H
#define VMRECLAIM_TESTS_LAB_VSOCK_DEVICE_MAPPING_H

#include "tests/lab/vsock-device/memory.h"

struct mapping {
    struct memory memory;
    struct {
        void *start;
        size_t size;
    } files[MEMORY_REGIONS_MAX]; /* one for each region */
};

/* Maps `region` from `offset` of a file, which may be closed then; region->start is not read.
 * -EINVAL: the file is none, or too short; errors of memory_add and of mmap. */
int mapping_add(struct mapping *mapping, const struct memory_region *region, uint64_t offset,
                int file);

/* Unmaps everything. */
void mapping_clear(struct mapping *mapping);

#endif
