/* How much memory the mounted tmpfs file systems hold: /proc/self/mountinfo and statfs(2) of each,
 * once per file system. What lies below a mount that may block (network, FUSE, automount) is not
 * looked at. */
#ifndef VMRECLAIM_COMMON_PROC_TMPFS_H
#define VMRECLAIM_COMMON_PROC_TMPFS_H

#include <stdint.h>

/* Bytes. At most 64 file systems are counted. -errno of open and read of mountinfo. */
int tmpfs_used(int root, uint64_t *ret_bytes);

#endif
