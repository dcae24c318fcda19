/* What the child does: the blocking calls into the kernel, one function per action. They run in a
 * forked process; see child.h. Each takes a struct work. */
#ifndef VMRECLAIM_AGENT_ACTIONS_WORK_H
#define VMRECLAIM_AGENT_ACTIONS_WORK_H

#include <stdbool.h>
#include <stdint.h>

enum reclaim_method {
    RECLAIM_CGROUP,            /* memory.reclaim */
    RECLAIM_CGROUP_SWAPPINESS, /* memory.reclaim with swappiness=0 */
    RECLAIM_NODE,              /* nodeN/reclaim with swappiness=0 */
};

struct work {
    int root;
    uint64_t bytes;
    enum reclaim_method method;
    const char *cgroups; /* NULL: everything */
    bool drop_slab;
    bool per_node;      /* compaction */
    uint64_t cpu_bytes; /* kick: what to touch on each CPU */
};

/* Short reclaim is no error. -EBUSY: it cannot leave out what is frozen; -EINVAL: the kernel does
 * not take the method's syntax; -EXDEV: a chosen path leaves the cgroup hierarchy. */
int work_reclaim(const void *context);

/* -EBUSY: something is frozen. */
int work_drop_caches(const void *context);

int work_compact(const void *context);

/* Touches and frees a little memory on each CPU that it may run on. Negative errno of the last one
 * when it may run on none of them. */
int work_kick(const void *context);

#endif
