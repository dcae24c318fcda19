/* What the agent does to its kernel.
 *
 * Theory of operation. An order is turned into one function for the child (work.h) by what the
 * kernel has: the first way of the list that is there.
 *
 *     reclaim   memory.reclaim swappiness=0 > memory.reclaim with vm.swappiness 0 where swap is on
 *               > nodeN/reclaim > drop_caches, unless that is forbidden
 *     compact   nodeN/compact for each node > vm.compact_memory; per-CPU lists kept short meanwhile
 *     kick      per-CPU lists cut by vm.percpu_pagelist_high_fraction and touched on each CPU
 *               > a longer touch
 *
 * A setting that must be different meanwhile is journaled, set before the child starts and put back
 * when it has ended, however it ended.
 *
 * Failure modes. The kernel takes less than asked: that is a result. It refuses the syntax of a
 * way: the feature is marked missing and the next way is taken, within the same order. The child
 * dies: failed, with the settings put back. The agent dies: the kernel kills the child, and the
 * next start puts the settings back. */
#include "agent/actions/actions.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "agent/actions/crash.h"
#include "agent/actions/paths.h"
#include "agent/actions/work.h"
#include "common/base/file.h"
#include "common/base/number.h"
#include "common/base/util.h"
#include "common/proc/meminfo.h"
#include "common/proc/vmstat.h"

#define KERNEL_LOG_LINE "<6>vmreclaim: performing memory compaction"
/* Larger than any zone has pages: the lists shrink to the kernel's minimum. */
#define PERCPU_FRACTION "1000000"
#define KICK_BYTES      (1 * MIB)
/* More than a CPU's list holds, and less than the unit's MemoryMax leaves. */
#define KICK_BYTES_LARGER (16 * MIB)

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
    (void)snprintf(actions->outcome.reason, sizeof(actions->outcome.reason), "%s", text);
}

static bool have(const struct actions *actions, enum feature_id id)
{
    return features_have(actions->features, id);
}

static void read_counters(const struct actions *actions, uint64_t *ret_free, uint64_t *ret_moved)
{
    struct meminfo meminfo;
    struct vmstat vmstat;

    *ret_free = meminfo_read(actions->root, &meminfo) == 0 ? meminfo.free : 0;
    *ret_moved = vmstat_read(actions->root, &vmstat) == 0 ? vmstat.migrated : 0;
}

/* Without swap no anonymous page can go. */
static bool has_swap(const struct actions *actions)
{
    struct meminfo meminfo;
    return meminfo_read(actions->root, &meminfo) < 0 || meminfo.swap_total > 0;
}

/* drop_caches, for itself or instead of reclaim. Not for chosen cgroups: it would take from all. */
static int plan_drop(struct actions *actions, struct work *work, child_work *ret_function)
{
    if (!have(actions, FEATURE_DROP_CACHES) || actions->order.cgroups != NULL ||
        actions->order.forbid_drop)
        return -ENOTSUP;
    work->drop_slab = actions->order.drop_slab;
    *ret_function = work_drop_caches;
    return 0;
}

static int plan_reclaim(struct actions *actions, struct work *work, child_work *ret_function)
{
    *ret_function = work_reclaim;
    if (have(actions, FEATURE_MEMORY_RECLAIM)) {
        work->method = RECLAIM_CGROUP_SWAPPINESS;
        if (have(actions, FEATURE_MEMORY_RECLAIM_SWAPPINESS))
            return 0;
        work->method = RECLAIM_CGROUP;
        if (!has_swap(actions) || settings_set(actions->settings, SWAPPINESS_PATH, "0") == 0)
            return 0;
        explain(actions, "memory.reclaim would swap: vm.swappiness cannot be set");
    }
    if (have(actions, FEATURE_NODE_RECLAIM) && actions->order.cgroups == NULL) {
        work->method = RECLAIM_NODE;
        return 0;
    }
    if (actions->outcome.reason[0] == '\0')
        explain(actions, "no memory.reclaim: caches were dropped");
    return plan_drop(actions, work, ret_function);
}

/* The id comes from the host: no more of it is written than an id can have. */
static void write_kernel_log(const struct actions *actions)
{
    bool has_id = actions->id[0] != '\0' &&
                  actions->id[strspn(actions->id, "0123456789abcdefghijklmnopqrstuvwxyz-")] == '\0';
    char line[160];

    (void)snprintf(line, sizeof(line), KERNEL_LOG_LINE "%s%s%s\n", has_id ? " (action " : "",
                   has_id ? actions->id : "", has_id ? ")" : "");
    (void)file_write(actions->root, KERNEL_LOG_PATH, line);
}

/* The line comes first, so that whoever sees the guest stall finds the cause above it. */
static int plan_compact(struct actions *actions, struct work *work, child_work *ret_function)
{
    if (!have(actions, FEATURE_COMPACTION))
        return -ENOTSUP;
    if (have(actions, FEATURE_KERNEL_LOG))
        write_kernel_log(actions);
    /* What it frees would fill the per-CPU lists, which since Linux 6.7 grow with use. */
    if (have(actions, FEATURE_PERCPU_DRAIN))
        (void)settings_set(actions->settings, PERCPU_FRACTION_PATH, PERCPU_FRACTION);
    work->per_node = have(actions, FEATURE_COMPACTION_PER_NODE);
    *ret_function = work_compact;
    return 0;
}

static int plan_kick(struct actions *actions, struct work *work, child_work *ret_function)
{
    work->cpu_bytes = KICK_BYTES;
    *ret_function = work_kick;
    if (have(actions, FEATURE_PERCPU_DRAIN) &&
        settings_set(actions->settings, PERCPU_FRACTION_PATH, PERCPU_FRACTION) == 0)
        return 0;
    explain(actions, "the per-CPU lists could not be cut: memory was touched instead");
    work->cpu_bytes = min_of(KICK_BYTES_LARGER, actions->free_before / 16);
    return 0;
}

static int plan(struct actions *actions, struct work *work, child_work *ret_function)
{
    *work = (struct work){
        .root = actions->root, .bytes = actions->order.bytes, .cgroups = actions->order.cgroups};
    switch (actions->order.kind) {
    case ACTION_RECLAIM_CACHE:
        return plan_reclaim(actions, work, ret_function);
    case ACTION_DROP_CACHES:
        return plan_drop(actions, work, ret_function);
    case ACTION_COMPACT:
        return plan_compact(actions, work, ret_function);
    case ACTION_KICK_REPORTING:
        return plan_kick(actions, work, ret_function);
    }
    return -EINVAL;
}

static void put_settings_back(struct actions *actions)
{
    static const char *const paths[] = {SWAPPINESS_PATH, PERCPU_FRACTION_PATH};

    for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
        int r = settings_restore(actions->settings, paths[i]);
        if (r < 0)
            (void)snprintf(actions->outcome.reason, sizeof(actions->outcome.reason),
                           "/%s could not be put back (%s); it is tried again at exit", paths[i],
                           strerror(-r));
    }
}

/* The kernel did not take what detection promised. True: another way is worth a try. */
static bool lose_refused(struct actions *actions, int error)
{
    if (actions->order.kind != ACTION_RECLAIM_CACHE || error != -EINVAL)
        return false;
    if (have(actions, FEATURE_MEMORY_RECLAIM_SWAPPINESS)) {
        features_lose(actions->features, FEATURE_MEMORY_RECLAIM_SWAPPINESS,
                      "memory.reclaim refused swappiness=0");
        return true;
    }
    if (have(actions, FEATURE_MEMORY_RECLAIM)) {
        features_lose(actions->features, FEATURE_MEMORY_RECLAIM,
                      "memory.reclaim refused a plain number");
        return true;
    }
    return false;
}

static void set_end(struct actions *actions, const struct child_result *result)
{
    static const enum action_end ends[] = {
        [CHILD_RETURNED] = ACTION_DONE,
        [CHILD_TIME_LIMIT] = ACTION_TIME_LIMIT,
        [CHILD_STOPPED] = ACTION_STOPPED,
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

    put_settings_back(actions);
    read_counters(actions, &free_after, &moved_after);
    actions->outcome.freed =
        free_after > actions->free_before ? free_after - actions->free_before : 0;
    actions->outcome.pages_moved =
        moved_after > actions->moved_before ? moved_after - actions->moved_before : 0;
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
    child_work function;
    struct work work;
    int r;

    if (limit > 0)
        limit = limit > used ? limit - used : 1;
    r = plan(actions, &work, &function);
    if (r < 0)
        return r;
    crash_point();
    return child_start(&actions->child, actions->loop, function, &work, actions->root, limit,
                       on_child_done);
}

static void on_child_done(struct child *child, const struct child_result *result)
{
    struct actions *actions = container_of(child, struct actions, child);
    int r;

    crash_point();
    actions->outcome.cpu += result->cpu;
    if (result->end == CHILD_RETURNED && lose_refused(actions, result->error)) {
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

    if (actions->is_running || actions->is_closing)
        return -EBUSY;
    actions->order = *order;
    (void)snprintf(actions->id, sizeof(actions->id), "%s", order->id == NULL ? "" : order->id);
    actions->order.id = actions->id;
    if (order->cgroups != NULL) {
        if (strlen(order->cgroups) >= sizeof(actions->cgroups))
            return -ENAMETOOLONG;
        (void)snprintf(actions->cgroups, sizeof(actions->cgroups), "%s", order->cgroups);
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

void actions_stop(struct actions *actions)
{
    if (actions->is_running)
        child_stop(&actions->child);
}

void actions_close(struct actions *actions, actions_closed closed, void *userdata)
{
    actions->closed = closed;
    actions->closed_userdata = userdata;
    actions->is_closing = true;
    if (actions->is_running)
        child_stop(&actions->child);
    else
        closed(userdata);
}
