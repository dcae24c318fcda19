/* What the agent does to its kernel: reclaim cache, compact, start a reporting pass.
 *
 * Each action runs in a forked child at SCHED_IDLE. The kernel does the work inside one write(2),
 * which only a signal ends. So the child is killed at the time limit, on actions_stop(), and when
 * the agent dies. One action at a time. The caller's callback comes last, from the loop, once per
 * started action. */
#ifndef VMRECLAIM_AGENT_ACTIONS_ACTIONS_H
#define VMRECLAIM_AGENT_ACTIONS_ACTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "agent/actions/action.h"
#include "agent/actions/child.h"
#include "agent/actions/features.h"
#include "agent/actions/settings.h"
#include "common/base/time.h"

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
