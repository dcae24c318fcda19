/* /proc/kpageflags: one 64-bit word per page frame, Documentation/admin-guide/mm/pagemap.rst.
 *
 * BUDDY is on every page of a free block. A block that page reporting has given to the hypervisor
 * carries UPTODATE on its first page: the kernel keeps its "reported" mark in that bit. */
#ifndef VMRECLAIM_COMMON_PROC_KPAGEFLAGS_H
#define VMRECLAIM_COMMON_PROC_KPAGEFLAGS_H

#include <stddef.h>
#include <stdint.h>

#define KPAGEFLAGS_UPTODATE ((uint64_t)1 << 3)
#define KPAGEFLAGS_BUDDY    ((uint64_t)1 << 10)
#define KPAGEFLAGS_NOPAGE   ((uint64_t)1 << 20)

#define KPAGEFLAGS_BATCH 512 /* page frames that one read takes well */

/* A descriptor, or -errno: -EPERM under lockdown, -ENOENT without CONFIG_PROC_PAGE_MONITOR. */
int kpageflags_open(int root);

/* Reads the words of `count` frames from `pfn`; frames past the end of memory become NOPAGE. */
int kpageflags_read(int descriptor, uint64_t pfn, size_t count, uint64_t *ret_flags);

#endif
