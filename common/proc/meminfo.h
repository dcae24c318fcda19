/* /proc/meminfo: Documentation/filesystems/proc.rst. Bytes; a line that the kernel does not have is
 * 0. */
#ifndef VMRECLAIM_COMMON_PROC_MEMINFO_H
#define VMRECLAIM_COMMON_PROC_MEMINFO_H

#include <stdint.h>

struct meminfo {
    uint64_t total;
    uint64_t free;
    uint64_t available;
    uint64_t buffers;
    uint64_t cached;
    uint64_t active_file;
    uint64_t inactive_file;
    uint64_t swap_total;
    uint64_t swap_free;
    uint64_t dirty;
    uint64_t writeback;
    uint64_t anon;   /* AnonPages */
    uint64_t mapped; /* file pages and shmem */
    uint64_t shmem;
    uint64_t slab_reclaimable;
    uint64_t slab_unreclaimable;
    uint64_t kernel_stack;
    uint64_t page_tables;
    uint64_t secondary_page_tables;
    uint64_t hugetlb;        /* all huge pages of all sizes */
    uint64_t huge_page_size; /* the default size */
    uint64_t zswap;          /* what it occupies; since Linux 5.19 */
    uint64_t zswapped;       /* what is in it */
};

/* -EBADMSG: no MemTotal or no MemFree in it; -errno of open and read. */
int meminfo_read(int root, struct meminfo *ret_meminfo);

#endif
