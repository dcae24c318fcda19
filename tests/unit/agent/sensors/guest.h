/* A guest's memory as a buddy allocator would hold it, made up at random and written as
 * /proc/kpageflags, together with the blocks it was made of: what a scan must find. */
#ifndef VMRECLAIM_TESTS_UNIT_AGENT_SENSORS_GUEST_H
#define VMRECLAIM_TESTS_UNIT_AGENT_SENSORS_GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/lib/fixture.h"

struct guest_block {
    uint64_t pfn;
    uint32_t order;
    bool reported;
};

struct guest {
    uint32_t page_size;
    uint32_t max_order;
    uint64_t pages;
    uint64_t *flags;
    struct guest_block *blocks; /* free ones, ascending */
    size_t block_count;
};

struct guest_mix {
    unsigned used;     /* percent of pieces, at each size, that are in use as a whole */
    unsigned free;     /* percent that are one free block */
    unsigned reported; /* percent of free blocks of `mark_order` or more that carry the mark */
    uint32_t mark_order;
};

/* `groups` blocks of the largest order. */
void guest_create(struct guest *guest, uint32_t page_size, uint32_t max_order, uint64_t groups,
                  const struct guest_mix *mix, uint32_t seed);
void guest_destroy(struct guest *guest);

/* proc/kpageflags, proc/iomem and proc/buddyinfo. */
void guest_write(const struct guest *guest, struct fixture *fixture);

#endif
