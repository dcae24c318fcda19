/* What each step could bring. */
#include "controller/explain/gains.h"

#include <string.h>

#include "common/base/number.h"
#include "controller/explain/view.h"
#include "controller/leases/balloon.h"

#define DEFAULT_CACHE_FLOOR (128 * MIB)
#define BALLOON_STEP        (64 * MIB)

#define PROTOCOL_FOR_A_WHILE 2 /* of agents, see agent.proto */

static uint64_t unmovable_of(const struct view *view)
{
    if (!view->guest->trapped_kinds_are_known)
        return 0;
    return view->guest->trapped_unmovable + view->guest->trapped_reclaimable;
}

/* The guest's own configuration limits it, and refuses orders beyond that. A policy from here that
 * says the same keeps the guest from doing it by itself only. */
static bool is_own_limit(const struct view *view, const char *wanted)
{
    for (char *const *key = view->own_limits; key != NULL && *key != NULL; key++)
        if (strcmp(*key, wanted) == 0)
            return view->policy != NULL;
    return false;
}

static void gain_cache(const struct view *view, struct gains *gains)
{
    bool is_limited = is_own_limit(view, "cache_method");

    if (!is_limited)
        gains->all_cache = view->w->cache;
    if (!is_limited || view->policy->cache_method != POLICY_CACHE_NONE)
        gains->cache = saturating_subtract(view->w->cache, gains->cache_floor);
}

static void gain_trapped(const struct view *view, struct gains *gains)
{
    bool is_forbidden = is_own_limit(view, "compact") && !view->policy->compact;

    if (!is_forbidden && view_has_feature(view, "compaction", NULL))
        gains->trapped = saturating_subtract(view->held.trapped, unmovable_of(view));
}

/* A lower order returns what compaction leaves, where the host's backing makes that last. The agent
 * sets none below its policy's. */
static void gain_order(const struct view *view, struct gains *gains)
{
    uint32_t floor = view->policy == NULL ? 0 : view->policy->reporting_order;
    uint32_t lowest = max_of(view->host->lowest_useful_order, floor);

    if (view->info == NULL || !view->host->lowest_useful_order_is_known ||
        !view->info->reporting_order_is_known || view->info->reporting_order <= lowest ||
        !view_has_feature(view, "reporting-order", NULL))
        return;
    gains->small = view->held.trapped;
    gains->order_for_a_while = view->info->protocol_version >= PROTOCOL_FOR_A_WHILE;
    gains->order = view->info->reporting_order;
    gains->lowest = lowest;
}

/* The host keeps what the balloon takes as well: its pages are pinned, locked, or cannot be
 * discarded one by one. */
static bool balloon_is_void(const struct view *view)
{
    return view->host->vfio_devices > 0 || view->host->encrypted || view->host->locked ||
           view_balloon_meets_huge_pages(view);
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

static void gain_balloon(const struct view *view, struct gains *gains)
{
    const Waterfall *w = view->w;
    uint64_t headroom = balloon_headroom(w->vm_ram, view->host->deflate_on_oom);
    uint64_t least = max_of(256 * MIB, w->vm_ram / 16);

    if (balloon_is_void(view) || !balloon_is_free(view))
        return;
    gains->reserve = max_of(least, headroom);
    gains->size = balloon_size(view, gains->reserve);
    gains->balloon = saturating_subtract(w->footprint, gains->size);
}

void view_gains(const struct view *view, struct gains *ret_gains)
{
    struct gains gains = {
        .is_known = view->guest != NULL,
        .comes_back = explain_comes_back(view),
        .takes_commands = view_takes_commands(view),
        .may_pulse = !explain_comes_back(view) && !balloon_is_void(view) &&
                     view->vm->balloon_target > 0 && strcmp(view->vm->driver_state, "ready") == 0 &&
                     view->host->foreign_balloon_owner[0] == '\0',
        .worth = view->worth,
        .cache_floor = view->policy == NULL ? DEFAULT_CACHE_FLOOR : view->policy->cache_floor,
    };

    if (gains.is_known) {
        gain_cache(view, &gains);
        gain_trapped(view, &gains);
        gain_order(view, &gains);
        gains.waiting = view->held.percpu + view_waits(view);
        gain_balloon(view, &gains);
    }
    *ret_gains = gains;
}

void explain_gains(const struct explain_subject *subject, struct gains *ret_gains)
{
    struct view view;

    view_init(&view, subject);
    view_gains(&view, ret_gains);
}
