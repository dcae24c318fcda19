/* /proc/pagetypeinfo: free blocks and pageblocks by what the kernel has set them apart for. For
 * root; reading it walks the free lists under each zone's lock (half a millisecond and more), so
 * only on request. */
#ifndef VMRECLAIM_COMMON_PROC_PAGETYPEINFO_H
#define VMRECLAIM_COMMON_PROC_PAGETYPEINFO_H

#include <stdint.h>

#include "common/proc/buddyinfo.h"

enum page_kind {
    PAGE_KIND_UNMOVABLE,
    PAGE_KIND_MOVABLE,
    PAGE_KIND_RECLAIMABLE,
    PAGE_KIND_COUNT, /* others (HighAtomic, CMA, Isolate) are not kept */
};

/* Sums over all zones. The kernel stops counting a list at 100,000 blocks. */
struct pagetypeinfo {
    uint64_t free_blocks[PAGE_KIND_COUNT][BUDDY_ORDER_COUNT_MAX];
    uint64_t pageblocks[PAGE_KIND_COUNT];
};

/* -EACCES: not root; -EBADMSG: no list of free blocks in it; -errno of open and read. */
int pagetypeinfo_read(int root, struct pagetypeinfo *ret_pagetypeinfo);

#endif
