/* Ways to do what was ordered. */
#include "agent/actions/plan.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/actions/paths.h"
#include "common/base/file.h"
#include "common/base/number.h"
#include "common/base/text.h"
#include "common/base/util.h"
#include "common/proc/meminfo.h"

#define KERNEL_LOG_LINE "<6>vmreclaim: performing memory compaction"
/* Larger than any zone has pages: the lists shrink to the kernel's minimum. */
#define PERCPU_FRACTION "1000000"
#define KICK_BYTES      (1 * MIB)
/* More than a CPU's list holds, and less than the unit's MemoryMax leaves. */
#define KICK_BYTES_LARGER (16 * MIB)

static void explain(struct plan *plan, const char *text)
{
    text_copy(plan->reason, ACTION_REASON_SIZE, text);
}

static bool have(const struct plan *plan, enum feature_id id)
{
    return features_have(plan->features, id);
}

/* Without swap no anonymous page can go. */
static bool has_swap(const struct plan *plan)
{
    struct meminfo meminfo;
    return meminfo_read(plan->root, &meminfo) < 0 || meminfo.swap_total > 0;
}

/* drop_caches, for itself or instead of reclaim. Not for chosen cgroups: it would take from all. */
static int plan_drop(struct plan *plan)
{
    if (!have(plan, FEATURE_DROP_CACHES) || plan->order->cgroups != NULL ||
        plan->order->forbid_drop)
        return -ENOTSUP;
    plan->work.drop_slab = plan->order->drop_slab;
    plan->function = work_drop_caches;
    return 0;
}

static int plan_reclaim(struct plan *plan)
{
    plan->function = work_reclaim;
    if (have(plan, FEATURE_MEMORY_RECLAIM)) {
        plan->work.method = RECLAIM_CGROUP_SWAPPINESS;
        if (have(plan, FEATURE_MEMORY_RECLAIM_SWAPPINESS))
            return 0;
        plan->work.method = RECLAIM_CGROUP;
        if (!has_swap(plan) || settings_set(plan->settings, SWAPPINESS_PATH, "0") == 0)
            return 0;
        explain(plan, "memory.reclaim would swap: vm.swappiness cannot be set");
    }
    if (have(plan, FEATURE_NODE_RECLAIM) && plan->order->cgroups == NULL) {
        plan->work.method = RECLAIM_NODE;
        return 0;
    }
    if (plan->reason[0] == '\0')
        explain(plan, "no memory.reclaim: caches were dropped");
    return plan_drop(plan);
}

/* The id comes from the host: no more of it is written than an id can have. */
static void write_kernel_log(const struct plan *plan)
{
    const char *id = plan->order->id;
    bool has_id = id[0] != '\0' && id[strspn(id, "0123456789abcdefghijklmnopqrstuvwxyz-")] == '\0';
    char line[160];

    snprintf(line, sizeof(line), KERNEL_LOG_LINE "%s%s%s\n", has_id ? " (action " : "",
             has_id ? id : "", has_id ? ")" : "");
    (void)file_write(plan->root, KERNEL_LOG_PATH, line);
}

/* The line comes first, so that whoever sees the guest stall finds the cause above it. */
static int plan_compact(struct plan *plan)
{
    if (!have(plan, FEATURE_COMPACTION))
        return -ENOTSUP;
    if (have(plan, FEATURE_KERNEL_LOG))
        write_kernel_log(plan);
    /* What it frees would fill the per-CPU lists, which since Linux 6.7 grow with use. */
    if (have(plan, FEATURE_PERCPU_DRAIN))
        (void)settings_set(plan->settings, PERCPU_FRACTION_PATH, PERCPU_FRACTION);
    plan->work.per_node = have(plan, FEATURE_COMPACTION_PER_NODE);
    plan->function = work_compact;
    return 0;
}

static int plan_kick(struct plan *plan)
{
    plan->work.cpu_bytes = KICK_BYTES;
    plan->function = work_kick;
    if (have(plan, FEATURE_PERCPU_DRAIN) &&
        settings_set(plan->settings, PERCPU_FRACTION_PATH, PERCPU_FRACTION) == 0)
        return 0;
    explain(plan, "the per-CPU lists could not be cut: memory was touched instead");
    plan->work.cpu_bytes = min_of(KICK_BYTES_LARGER, plan->free / 16);
    return 0;
}

/* How each kind is done, and the features that it cannot do without: one of them is enough. Kinds
 * without a function are one write, see runner.c. */
static const struct {
    int (*plan)(struct plan *plan);
    enum feature_id needs[2];
    size_t need_count;
} ways[ACTION_KIND_COUNT] = {
    [ACTION_RECLAIM_CACHE] = {plan_reclaim, {FEATURE_MEMORY_RECLAIM, FEATURE_NODE_RECLAIM}, 2},
    [ACTION_DROP_CACHES] = {plan_drop, {FEATURE_DROP_CACHES}, 1},
    [ACTION_COMPACT] = {plan_compact, {FEATURE_COMPACTION}, 1},
    [ACTION_KICK_REPORTING] = {plan_kick, {0}, 0},
    [ACTION_SET_ORDER] = {NULL, {FEATURE_PAGE_REPORTING_ORDER}, 1},
};

bool plan_takes_child(enum action_kind kind)
{
    assert(kind > ACTION_NONE && kind < ACTION_KIND_COUNT);
    return ways[kind].plan != NULL;
}

bool plan_is_possible(const struct features *features, enum action_kind kind,
                      enum feature_id *ret_missing)
{
    assert(ways[kind].need_count <= ARRAY_SIZE(ways[kind].needs));
    for (size_t i = 0; i < ways[kind].need_count; i++)
        if (features_have(features, ways[kind].needs[i]))
            return true;
    if (ways[kind].need_count == 0)
        return true;
    *ret_missing = ways[kind].needs[0];
    return false;
}

int plan_make(struct plan *plan)
{
    const struct action_order *order = plan->order;
    int r;

    assert(plan_takes_child(order->kind));
    plan->work =
        (struct work){.root = plan->root, .bytes = order->bytes, .cgroups = order->cgroups};
    plan->function = NULL;
    r = ways[order->kind].plan(plan);
    assert(r < 0 || plan->function != NULL);
    return r;
}

bool plan_lose_refused(struct features *features, enum action_kind kind, int error)
{
    if (kind != ACTION_RECLAIM_CACHE || error != -EINVAL)
        return false;
    if (features_have(features, FEATURE_MEMORY_RECLAIM_SWAPPINESS)) {
        features_lose(features, FEATURE_MEMORY_RECLAIM_SWAPPINESS,
                      "memory.reclaim refused swappiness=0");
        return true;
    }
    if (features_have(features, FEATURE_MEMORY_RECLAIM)) {
        features_lose(features, FEATURE_MEMORY_RECLAIM, "memory.reclaim refused a plain number");
        return true;
    }
    return false;
}
