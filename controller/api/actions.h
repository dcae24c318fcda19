/* Actions that an operator orders: Compact, Reclaim, SetReporting.
 *
 * Theory of operation: an action is one object. The guest is sampled and the host's footprint
 * measured, the agent is asked, and after its answer the footprint is watched until it has not
 * fallen for a while: the guest's kernel reports freed memory in passes, seconds later. Then both
 * are measured again. What the footprint did before the action, its drift, is taken off. One action
 * at a time per VM; its id is in every log and record.
 *
 * Failure modes: the agent refuses or goes away: the operator gets its words. The operator goes
 * away: the action is measured to its end all the same. */
#ifndef VMRECLAIM_API_ACTIONS_H
#define VMRECLAIM_API_ACTIONS_H

#include "controller/api/api.h"

/* Who keeps records of actions. `vm` is NULL when it went away meanwhile. `action` lives until the
 * hook returns; on_finished may add what it knows (reason_code, samples, ...) from memory that
 * lives as long. */
struct api_action_recorder {
    void *userdata;
    void (*on_started)(struct vm *vm, const Vmreclaim__Controller__V1__Action *action,
                       void *userdata);
    void (*on_progress)(const struct vm *vm, const char *id, void *userdata); /* twice a second */
    void (*on_finished)(struct vm *vm, Vmreclaim__Controller__V1__Action *action, void *userdata);
};

struct api_actions;
struct api_action_kind;

enum { API_ACTION_KINDS = 3 };

/* What a method's handler is given. */
struct api_action_entry {
    struct api_actions *actions;
    const struct api_action_kind *kind;
};

struct api_actions {
    struct api *api;
    struct api_action_entry entries[API_ACTION_KINDS];
    const struct api_action_recorder *recorder; /* NULL: nobody */
    struct list running;                        /* struct action */
    uv_timer_t timer;                           /* runs while an action does */
    uint64_t count;                             /* since start */
};

/* -errno of libuv. */
int api_actions_init(struct api_actions *actions, struct api *api,
                     const struct api_action_recorder *recorder);

/* Ends what is running: CANCELLED. */
void api_actions_stop(struct api_actions *actions);

#endif
