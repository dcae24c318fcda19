/* What the agent does to its kernel: reclaim cache, compact, start a reporting pass.
 *
 * Each action runs in a forked child at SCHED_IDLE, because the kernel does the work inside one
 * write(2) that only a signal ends: the child is killed at the time limit, on actions_stop(), and
 * when the agent dies. One action at a time. The caller's callback comes last, from the loop, once
 * per started action. */
#ifndef VMRECLAIM_AGENT_ACTIONS_ACTIONS_H
#define VMRECLAIM_AGENT_ACTIONS_ACTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "agent/actions/child.h"
#include "agent/actions/features.h"
#include "agent/actions/settings.h"
#include "agent/engine/kind.h"
#include "common/base/time.h"

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

typedef void (*action_done)(const struct action_outcome *outcome, void *userdata);
typedef void (*actions_closed)(void *userdata);

/* In the caller's memory; its members are private. */
struct actions {
    uv_loop_t *loop;
    int root; /* the caller's */
    struct features *features;
    struct settings *settings;
    struct child child;
    struct action_order order;
    struct action_outcome outcome;
    char id[64];        /* copy of the order's */
    char cgroups[1024]; /* ... */
    uint64_t free_before;
    uint64_t moved_before;
    nsec_t started;
    enum action_end stop_end; /* what it ends with when it is stopped */
    bool is_running;
    bool is_closing;
    action_done done;
    actions_closed closed;
    void *userdata;
    void *closed_userdata;
};

/* The pointers outlive it. */
int actions_init(struct actions *actions, uv_loop_t *loop, int root, struct features *features,
                 struct settings *settings);

/* -EBUSY: one is running; -ENOTSUP: this kernel has no way to do it (`done` is not called then);
 * -errno: the child could not be started. */
int actions_start(struct actions *actions, const struct action_order *order, action_done done,
                  void *userdata);

/* Ends the running action early, with `end`; its callback still comes. None running: nothing. */
void actions_stop(struct actions *actions, enum action_end end);

static inline bool actions_is_running(const struct actions *actions)
{
    return actions->is_running;
}

/* Ends everything; `closed` is called when no handle is left: at once when nothing runs, else after
 * the running action's callback. */
void actions_close(struct actions *actions, actions_closed closed, void *userdata);

#endif
