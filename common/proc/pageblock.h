/* The order of a pageblock, in which the kernel groups pages by mobility. */
#ifndef VMRECLAIM_PROC_PAGEBLOCK_H
#define VMRECLAIM_PROC_PAGEBLOCK_H

#include <stdint.h>

/* From /proc/pagetypeinfo; without it from the huge page size, as the kernel derives it, bounded by
 * `max_order`; without that `max_order`. */
uint32_t pageblock_order_read(int root, uint32_t page_size, uint32_t max_order);

#endif
