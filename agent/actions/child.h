/* A killable child for work that blocks inside the kernel. It is forked without exec, so it needs
 * no program file and next to no memory. It runs at SCHED_IDLE and the lowest I/O priority, and
 * dies with its parent. */
#ifndef VMRECLAIM_AGENT_ACTIONS_CHILD_H
#define VMRECLAIM_AGENT_ACTIONS_CHILD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <uv.h>

#include "common/base/time.h"

/* Runs in the child on a copy of `context`. It must not touch the loop. 0 or negative errno. */
typedef int (*child_work)(const void *context);

enum child_end {
    CHILD_RETURNED,
    CHILD_TIME_LIMIT,
    CHILD_STOPPED,
    CHILD_DIED, /* by a signal that was not ours */
};

struct child_result {
    enum child_end end;
    int error;  /* what the work returned; -errno of fork */
    nsec_t cpu; /* user and system */
};

struct child;
typedef void (*child_done)(struct child *child, const struct child_result *result);

/* In the caller's memory; its members are private. */
struct child {
    uv_poll_t poll;
    uv_timer_t timer;
    pid_t pid;
    int descriptor;
    unsigned open_handles;
    struct child_result result;
    child_done done;
};

/* The child keeps `keep` and its standard descriptors; all others are closed in it. `time_limit` 0:
 * none. `done` is called once, when the child is reaped and the handles are closed; the struct may
 * be used again or freed in it. A fork that fails comes as CHILD_DIED with its error.
 * -errno of pipe and of the loop: `done` is not called. */
int child_start(struct child *child, uv_loop_t *loop, child_work work, const void *context,
                int keep, nsec_t time_limit, child_done done);

/* Kills it; `done` still comes. */
void child_stop(struct child *child);

#endif
