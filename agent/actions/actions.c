/* What the agent does to its kernel.
 *
 * Theory of operation. An order is turned into one function for the child (plan.h).
 *
 * A setting that must be different meanwhile is journaled, set before the child starts and put back
 * when it has ended, however it ended.
 *
 * Failure modes. The kernel takes less than asked: that is a result. It refuses the syntax of a
 * way: the feature is marked missing and the next way is taken, within the same order. The child
 * dies: failed, with the settings put back. The agent dies: the kernel kills the child, and the
 * next start puts the settings back. */
#include "agent/actions/actions.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/actions/crash.h"
#include "agent/actions/paths.h"
#include "agent/actions/plan.h"
#include "common/base/number.h"
#include "common/base/text.h"
#include "common/base/util.h"
#include "common/proc/meminfo.h"
#include "common/proc/vmstat.h"

int actions_init(struct actions *actions, uv_loop_t *loop, int root, struct features *features,
                 struct settings *settings)
{
    memset(actions, 0, sizeof(*actions));
    actions->loop = loop;
    actions->root = root;
    actions->features = features;
    actions->settings = settings;
    return 0;
}

static void explain(struct actions *actions, const char *text)
{
    text_copy(actions->outcome.reason, sizeof(actions->outcome.reason), text);
}

static void read_counters(const struct actions *actions, uint64_t *ret_free, uint64_t *ret_moved)
{
    struct meminfo meminfo;
    struct vmstat vmstat;

    *ret_free = meminfo_read(actions->root, &meminfo) == 0 ? meminfo.free : 0;
    *ret_moved = vmstat_read(actions->root, &vmstat) == 0 ? vmstat.migrated : 0;
}

static void put_settings_back(struct actions *actions)
{
    static const char *const paths[] = {SWAPPINESS_PATH, PERCPU_FRACTION_PATH};

    for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
        int r = settings_restore(actions->settings, paths[i]);
        if (r < 0)
            snprintf(actions->outcome.reason, sizeof(actions->outcome.reason),
                     "/%s could not be put back (%s); it is tried again at exit", paths[i],
                     strerror(-r));
    }
}

static void set_end(struct actions *actions, const struct child_result *result)
{
    const enum action_end ends[] = {
        [CHILD_RETURNED] = ACTION_DONE,
        [CHILD_TIME_LIMIT] = ACTION_TIME_LIMIT,
        [CHILD_STOPPED] = actions->stop_end,
        [CHILD_DIED] = ACTION_FAILED,
    };
    struct action_outcome *outcome = &actions->outcome;
    int error = result->error;

    outcome->end = ends[result->end];
    if (result->end == CHILD_DIED && error == 0)
        error = -ECHILD;
    if ((result->end != CHILD_RETURNED && result->end != CHILD_DIED) || error == 0)
        return;
    outcome->end = ACTION_FAILED;
    outcome->error = error;
    if (error == -EBUSY)
        explain(actions, "a cgroup is frozen, and this would reach into it");
    else
        explain(actions, strerror(-error));
}

static void finish(struct actions *actions)
{
    struct action_outcome outcome;
    uint64_t free_after;
    uint64_t moved_after;

    assert(actions->is_running && actions->outcome.kind == actions->order.kind);
    assert(actions->outcome.end != ACTION_FAILED || actions->outcome.error < 0);

    put_settings_back(actions);
    read_counters(actions, &free_after, &moved_after);
    actions->outcome.freed = saturating_subtract(free_after, actions->free_before);
    actions->outcome.pages_moved = saturating_subtract(moved_after, actions->moved_before);
    actions->outcome.duration = time_monotonic() - actions->started;
    actions->is_running = false;
    outcome = actions->outcome;
    actions->done(&outcome, actions->userdata);
    if (actions->is_closing)
        actions->closed(actions->closed_userdata);
}

static void on_child_done(struct child *child, const struct child_result *result);

/* Finds a way and starts it with what is left of the time. */
static int start(struct actions *actions)
{
    nsec_t limit = actions->order.time_limit;
    nsec_t used = time_monotonic() - actions->started;
    struct plan plan = {
        .root = actions->root,
        .features = actions->features,
        .settings = actions->settings,
        .order = &actions->order,
        .free = actions->free_before,
        .reason = actions->outcome.reason,
    };
    int r;

    if (limit > 0)
        limit = limit > used ? limit - used : 1;
    r = plan_make(&plan);
    if (r < 0)
        return r;
    crash_point();
    return child_start(&actions->child, actions->loop, plan.function, &plan.work, actions->root,
                       limit, on_child_done);
}

static void on_child_done(struct child *child, const struct child_result *result)
{
    struct actions *actions = container_of(child, struct actions, child);
    int r;

    assert(actions->is_running);
    crash_point();
    actions->outcome.cpu += result->cpu;
    if (result->end == CHILD_RETURNED &&
        plan_lose_refused(actions->features, actions->order.kind, result->error)) {
        r = start(actions);
        if (r == 0)
            return;
        actions->outcome.end = r == -ENOTSUP ? ACTION_NOT_SUPPORTED : ACTION_FAILED;
        actions->outcome.error = r;
        explain(actions, "the kernel refused every way to reclaim cache");
    } else {
        set_end(actions, result);
    }
    finish(actions);
}

int actions_start(struct actions *actions, const struct action_order *order, action_done done,
                  void *userdata)
{
    int r;

    assert(done != NULL && plan_takes_child(order->kind));
    if (actions->is_running || actions->is_closing)
        return -EBUSY;
    actions->order = *order;
    text_copy_line(actions->id, sizeof(actions->id), order->id == NULL ? "" : order->id);
    actions->order.id = actions->id;
    if (order->cgroups != NULL) {
        if (strlen(order->cgroups) >= sizeof(actions->cgroups))
            return -ENAMETOOLONG;
        snprintf(actions->cgroups, sizeof(actions->cgroups), "%s", order->cgroups);
        actions->order.cgroups = actions->cgroups;
    }
    actions->outcome = (struct action_outcome){.kind = order->kind};
    actions->done = done;
    actions->userdata = userdata;
    actions->started = time_monotonic();
    read_counters(actions, &actions->free_before, &actions->moved_before);
    r = start(actions);
    if (r < 0) {
        put_settings_back(actions);
        return r;
    }
    actions->is_running = true;
    return 0;
}

void actions_stop(struct actions *actions, enum action_end end)
{
    assert(end == ACTION_PRESSURE || end == ACTION_BUSY || end == ACTION_CANCELLED);
    actions->stop_end = end;
    if (actions->is_running)
        child_stop(&actions->child);
}

void actions_close(struct actions *actions, actions_closed closed, void *userdata)
{
    assert(!actions->is_closing);
    actions->closed = closed;
    actions->closed_userdata = userdata;
    actions->is_closing = true;
    if (actions->is_running)
        actions_stop(actions, ACTION_CANCELLED);
    else
        closed(userdata);
}
