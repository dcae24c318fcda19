/* One action: what is ordered, and what came of it. */
#ifndef VMRECLAIM_AGENT_ACTIONS_ACTION_H
#define VMRECLAIM_AGENT_ACTIONS_ACTION_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/engine/kind.h"
#include "common/base/time.h"

#define ACTION_REASON_SIZE 160

/* How an action ended, or why it did not begin. */
enum action_end {
    ACTION_DONE,
    ACTION_NOTHING_TO_DO,
    ACTION_TIME_LIMIT,
    ACTION_PRESSURE,  /* stopped: the guest is short of memory */
    ACTION_BUSY,      /* stopped: the guest woke up */
    ACTION_CANCELLED, /* stopped: somebody wanted it so */
    ACTION_NOT_SUPPORTED,
    ACTION_FORBIDDEN,
    ACTION_FAILED,
    ACTION_END_COUNT,
};

/* A word for the log: "stopped by pressure". */
const char *action_end_name(enum action_end end);

struct action_order {
    enum action_kind kind; /* one that a child does, see plan.h */
    const char *id;        /* for the kernel's log; NULL: it has none */
    uint64_t bytes;        /* RECLAIM_CACHE: how much at most */
    bool forbid_drop;      /* rather nothing than all cache, which is what a drop takes */
    bool drop_slab;        /* DROP_CACHES, and where reclaim falls back to it: slab too */
    nsec_t time_limit;     /* 0: none */
    const char *cgroups;   /* RECLAIM_CACHE: paths below the cgroup root, separated by ':', which
                              alone are reclaimed from; NULL: the whole guest */
};

struct action_outcome {
    enum action_kind kind;
    enum action_end end;
    int error;            /* ACTION_FAILED: negative errno */
    char reason[160];     /* for a person; empty when done as ordered. Also names a fallback */
    uint64_t freed;       /* bytes by which MemFree grew; other activity is in it */
    uint64_t pages_moved; /* by all compaction of this time, from vmstat */
    nsec_t cpu;           /* of the child, user and system */
    nsec_t duration;
};

#endif
