/* The sizes in which the kernel handles memory: pages, and pageblocks, in which it groups pages by
 * mobility. */
#ifndef VMRECLAIM_COMMON_PROC_PAGES_H
#define VMRECLAIM_COMMON_PROC_PAGES_H

#include <stdint.h>

/* Bytes, from /proc/self/auxv, so that a root of another architecture is read right; without it
 * this machine's. */
uint32_t page_size_read(int root);

/* From /proc/pagetypeinfo; without it from the huge page size, as the kernel derives it, bounded by
 * `max_order`; without that `max_order`. */
uint32_t pageblock_order_read(int root, uint32_t page_size, uint32_t max_order);

#endif
