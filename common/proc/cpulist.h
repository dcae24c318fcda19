/* Lists of CPUs and nodes as sysfs prints them: "0-3,5". */
#ifndef VMRECLAIM_COMMON_PROC_CPULIST_H
#define VMRECLAIM_COMMON_PROC_CPULIST_H

#include <stdint.h>

/* Walks the list: the smallest member >= `from`. -ENOENT: none; -EINVAL: not a list. */
int cpulist_next(const char *list, uint64_t from, uint64_t *ret_member);

#endif
