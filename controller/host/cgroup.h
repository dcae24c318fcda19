/* The memory of a cgroup, v1 or v2, and where a process lies in the hierarchy.
 *
 * A cgroup's limit holds for all below it, so of one and those above it the one with the least room
 * counts. memory.high counts as a limit as well: beyond it the kernel holds the tasks up. */
#ifndef VMRECLAIM_CONTROLLER_HOST_CGROUP_H
#define VMRECLAIM_CONTROLLER_HOST_CGROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define CGROUP_PATH_SIZE 512
#define CGROUP_NO_LIMIT  UINT64_MAX

/* Bytes. */
struct cgroup_memory {
    char path[CGROUP_PATH_SIZE]; /* of its directory, relative to the root */
    bool is_v1;
    uint64_t limit; /* CGROUP_NO_LIMIT */
    uint64_t usage;
    uint64_t
        reclaimable; /* of the usage: page cache that is clean, and slabs where they are told */
};

/* What may still be used: the rest of the limit, and what the kernel takes back by itself. */
uint64_t cgroup_room(const struct cgroup_memory *memory);

/* The one with the least room of a cgroup and those above it; the first when none has a limit.
 * `path` is relative to `root` or begins with its slash. -ENOENT: no cgroup of memory is there;
 * -EBADMSG; -ENAMETOOLONG; -errno of open and read. */
int cgroup_read_tightest(int root, const char *path, struct cgroup_memory *ret_memory);

/* The directory of a process' cgroup of memory, relative to `root`, where systemd and all others
 * mount it. -ENOENT: it has none, or one that is not seen from here; -ENAMETOOLONG; -errno. */
int cgroup_of_process(int root, pid_t pid, char ret_path[static CGROUP_PATH_SIZE]);

/* Makes the first path that of the deepest cgroup that is above both: of several processes' cgroups
 * the one that holds all. An empty one becomes the one above the other. Empty again: there is
 * none. */
void cgroup_join(char path[static CGROUP_PATH_SIZE], const char *other);

#endif
