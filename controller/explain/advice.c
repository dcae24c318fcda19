/* What a person can do now, with the command to type. Only what promises enough is offered. Nothing
 * is offered that would be refused, or whose gain a later step on the way to the host would hold
 * back. */
#include "common/base/number.h"
#include "controller/explain/view.h"

#include <string.h>

#include "controller/leases/balloon.h"

#define DEFAULT_CACHE_FLOOR (128 * MIB)
#define BALLOON_STEP        (64 * MIB)

static uint64_t unmovable_of(const struct view *view)
{
    if (!view->guest->trapped_kinds_are_known)
        return 0;
    return view->guest->trapped_unmovable + view->guest->trapped_reclaimable;
}

static void advise_reclaim(const struct view *view, struct explanation *explanation)
{
    uint64_t floor = view->policy == NULL ? DEFAULT_CACHE_FLOOR : view->policy->cache_floor;
    uint64_t gain = saturating_subtract(view->w->cache, floor);
    struct finding *finding;

    if (gain < view->worth)
        return;
    finding = explanation_next(explanation);
    finding_set(finding, KIND_CAN_DO, "can-reclaim", gain,
                "Take cold file cache: up to %s, down to the %s that the policy leaves.",
                SIZE(gain), SIZE(floor));
    finding_command(finding, "vmreclaim reclaim %s", view->name);
}

static void advise_compact(const struct view *view, struct explanation *explanation)
{
    uint64_t unmovable = unmovable_of(view);
    uint64_t gain = saturating_subtract(view->held.trapped, unmovable);
    struct finding *finding;

    if (gain < view->worth || !view_has_feature(view, "compaction", NULL))
        return;
    finding = explanation_next(explanation);
    finding_set(finding, KIND_CAN_DO, "can-compact", gain,
                "Join free memory so that it can be reported: up to %s is trapped.", SIZE(gain));
    finding_command(finding, "vmreclaim compact %s", view->name);
}

/* A lower order returns what compaction leaves, where the host's backing makes that last. */
static void advise_order(const struct view *view, struct explanation *explanation)
{
    uint32_t lowest = view->host->lowest_useful_order;
    struct finding *finding;

    if (view->held.trapped < view->worth || view->info == NULL ||
        !view->host->lowest_useful_order_is_known || !view->info->reporting_order_is_known ||
        view->info->reporting_order <= lowest || !view_has_feature(view, "reporting-order", NULL))
        return;
    finding = explanation_next(explanation);
    finding_set(finding, KIND_CAN_DO, "can-lower-order", view->held.trapped,
                "Report smaller blocks (order %u instead of %u): returns what compaction leaves, "
                "for some CPU of the guest.",
                lowest, view->info->reporting_order);
    finding_command(finding, "vmreclaim reporting %s --order %u --kick", view->name, lowest);
}

static void advise_kick(const struct view *view, struct explanation *explanation)
{
    uint64_t waiting = view->held.percpu + view_waits(view);
    struct finding *finding;

    if (waiting < view->worth)
        return;
    finding = explanation_next(explanation);
    finding_set(finding, KIND_CAN_DO, "can-kick", waiting,
                "Start a reporting pass: %s is free and waits for one.", SIZE(waiting));
    finding_command(finding, "vmreclaim reporting %s --kick", view->name);
}

/* The host keeps what the balloon takes as well: its pages are pinned, locked, or cannot be
 * discarded one by one. */
static bool balloon_is_void(const struct view *view)
{
    return view->host->vfio_devices > 0 || view->host->encrypted || view->host->locked ||
           strcmp(view->host->backing, "hugetlb") == 0;
}

/* Ours to move: the hypervisor takes commands, and nobody has taken from the guest. */
static bool balloon_is_free(const struct view *view)
{
    return view->vm->balloon_target > 0 && strcmp(view->vm->driver_state, "ready") == 0 &&
           view->w->balloon_is_known && view->w->balloon == 0 &&
           view->host->foreign_balloon_owner[0] == '\0';
}

/* What the guest uses and a reserve; and a lease is refused that is more than the guest could give
 * by its own account. */
static uint64_t balloon_size(const struct view *view, uint64_t reserve)
{
    uint64_t available = view->guest->available;
    uint64_t takeable = saturating_subtract(available, reserve);
    uint64_t least = view->w->in_use + view->w->unmanaged + reserve;
    uint64_t baseline = view->vm->balloon_baseline;

    least = max_of(least, saturating_subtract(baseline, takeable));
    return (least + BALLOON_STEP - 1) / BALLOON_STEP * BALLOON_STEP;
}

/* Where nothing comes back by itself, the balloon still takes it, free memory and cache alike. */
static void advise_balloon(const struct view *view, struct explanation *explanation)
{
    const Waterfall *w = view->w;
    uint64_t headroom = balloon_headroom(w->vm_ram, view->host->deflate_on_oom);
    uint64_t least = max_of(256 * MIB, w->vm_ram / 16);
    uint64_t reserve = max_of(least, headroom);
    uint64_t size = balloon_size(view, reserve);
    struct finding *finding;

    if (balloon_is_void(view) || !balloon_is_free(view) || size + view->worth >= w->footprint)
        return;
    finding = explanation_next(explanation);
    finding_set(
        finding, KIND_CAN_DO, "can-balloon", w->footprint - size,
        "Take memory with the balloon: %s leaves the guest what it uses and a reserve of %s.",
        SIZE(size), SIZE(reserve));
    finding_command(finding, "vmreclaim balloon %s %lluMiB --for 1h", view->name,
                    (unsigned long long)(size / MIB));
}

static void advise_agent(const struct view *view, struct explanation *explanation)
{
    if (view->vm->agent_connected)
        return;
    finding_set(explanation_next(explanation), KIND_CAN_DO, "can-install-agent", 0,
                "Start vmreclaim-agent in the guest%s: it finds what can come back.",
                view->vm->last_sample_ns == 0 ? "" : " again");
}

/* What every command would be refused for. False: nothing. */
static bool advise_first(const struct view *view, struct explanation *explanation)
{
    const char *state = view->vm->state;

    if (strcmp(state, "paused") == 0 || strcmp(state, "migrating") == 0)
        finding_set(explanation_next(explanation), KIND_CAN_DO, "can-wait", 0,
                    "Nothing before the VM runs again: it is %s.", state);
    else if (!view->vm->announced)
        finding_set(explanation_next(explanation), KIND_CAN_DO, "can-announce", 0,
                    "Nothing before a hypervisor vouches for CID %u: give the VM a file with its "
                    "'hypervisor' address.",
                    view->vm->cid);
    else
        return false;
    return true;
}

void explain_advice(const struct view *view, struct explanation *explanation)
{
    if (view->guest == NULL)
        advise_agent(view, explanation);
    if (view->guest == NULL || advise_first(view, explanation))
        return;
    if (!explain_comes_back(view)) {
        advise_balloon(view, explanation);
        return;
    }
    if (!view_takes_commands(view))
        return;
    advise_reclaim(view, explanation);
    advise_compact(view, explanation);
    advise_order(view, explanation);
    advise_kick(view, explanation);
}
