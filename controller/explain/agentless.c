/* A guest without an agent: what its balloon's statistics say, what can be done by them, and what
 * an agent would add. */
#include "common/base/number.h"
#include "common/base/text.h"
#include "controller/explain/view.h"

#include <stdio.h>
#include <string.h>

#include "controller/leases/pulse.h"

typedef Vmreclaim__Controller__V1__BalloonStatistics BalloonStatistics;

/* NULL: its balloon's driver says nothing that helps. */
static const BalloonStatistics *statistics_of(const struct view *view)
{
    const BalloonStatistics *statistics = view->vm->statistics;

    return statistics == NULL || statistics->total == 0 || statistics->free == 0 ||
                   statistics->available == 0
               ? NULL
               : statistics;
}

/* Of what is free, what is on the host: what is held beside all that is not free. 0: nothing, or
 * not known. */
static uint64_t free_on_host(const struct view *view, const BalloonStatistics *statistics)
{
    uint64_t used = saturating_subtract(view->w->vm_ram, statistics->free);

    if (!view_host_is_known(view) || view->w->vm_ram == 0)
        return 0;
    return min_of(statistics->free, saturating_subtract(view->w->footprint, used));
}

static uint64_t cache_of(const BalloonStatistics *statistics)
{
    return statistics->disk_caches != 0
               ? statistics->disk_caches
               : saturating_subtract(statistics->available, statistics->free);
}

/* ---- what holds the memory ---- */

static void hold_statistics(const struct view *view, const BalloonStatistics *statistics,
                            struct explanation *explanation)
{
    struct finding *finding = explanation_next(explanation);
    char cache[64] = "";

    if (statistics->disk_caches != 0)
        snprintf(cache, sizeof(cache), " and %s is file cache", SIZE(statistics->disk_caches));
    finding_set(finding, KIND_HOLDS, "balloon-statistics", statistics->total,
                "Its balloon driver says that of %s %s is free%s; %s could be used without "
                "swapping.",
                SIZE(statistics->total), SIZE(statistics->free), cache,
                SIZE(statistics->available));
    finding_add(finding, "free", statistics->free, "bytes");
    if (statistics->disk_caches != 0)
        finding_add(finding, "disk_caches", statistics->disk_caches, "bytes");
    finding_add(finding, "available", statistics->available, "bytes");
}

static void hold_free(const struct view *view, const BalloonStatistics *statistics,
                      struct explanation *explanation)
{
    uint64_t bytes = free_on_host(view, statistics);
    struct finding *finding;

    if (bytes < view->worth)
        return;
    finding = explanation_next(explanation);
    finding_set(finding, KIND_HOLDS, "free-on-host", bytes,
                "The host holds about %s of what is free in the guest.", SIZE(bytes));
    finding_add(finding, "free", statistics->free, "bytes");
    finding_add(finding, "footprint", view->w->footprint, "bytes");
}

void explain_agentless_holds(const struct view *view, struct explanation *explanation)
{
    const BalloonStatistics *statistics = statistics_of(view);

    if (statistics == NULL && view->vm->statistics_problem[0] != '\0')
        finding_set(explanation_next(explanation), KIND_HOLDS, "no-statistics", 0,
                    "How much of it is free in the guest is not known: %s.",
                    TEXT_CUT(view->vm->statistics_problem, 160));
    if (statistics == NULL)
        return;
    hold_statistics(view, statistics, explanation);
    hold_free(view, statistics, explanation);
}

/* ---- what a person can do ---- */

static bool may_pulse(const struct view *view)
{
    return !view_reports(view) && strcmp(view->vm->driver_state, "ready") == 0 &&
           strcmp(view->vm->state, "paused") != 0 && strcmp(view->vm->state, "migrating") != 0 &&
           view->host->vfio_devices == 0 && !view->host->encrypted && !view->host->locked &&
           !view_balloon_meets_huge_pages(view) && view->w->balloon_is_known &&
           view->w->balloon == 0 && view->host->foreign_balloon_owner[0] == '\0' &&
           !view->vm->halted;
}

static uint64_t headroom_of(const struct view *view)
{
    static const struct pulse_past nothing;

    return pulse_headroom_min(view->w->vm_ram, &nothing);
}

uint64_t view_agentless_pulse(const struct view *view)
{
    const BalloonStatistics *statistics = statistics_of(view);
    uint64_t gain;

    if (statistics == NULL || !may_pulse(view))
        return 0;
    gain = saturating_subtract(free_on_host(view, statistics), headroom_of(view));
    return gain < max_of(view->worth, (uint64_t)PULSE_STEP) ? 0 : gain;
}

static void advise_pulse(const struct view *view, struct explanation *explanation)
{
    uint64_t gain = view_agentless_pulse(view);
    struct finding *finding;

    if (gain == 0)
        return;
    finding = explanation_next(explanation);
    finding_set(finding, KIND_CAN_DO, "can-pulse", gain,
                "Take free memory by a pulse of its balloon, about %s: the guest keeps all of it, "
                "and %s stays free meanwhile.",
                SIZE(gain), SIZE(headroom_of(view)));
    finding_command(finding, "vmreclaim pulse %s", view->name);
}

/* What statistics cannot say, with the figure that it is about. */
static void advise_agent(const struct view *view, const BalloonStatistics *statistics,
                         struct explanation *explanation)
{
    struct finding *finding = explanation_next(explanation);
    const char *again = view->vm->last_sample_ns == 0 ? "" : " again";
    uint64_t cache = statistics == NULL ? 0 : cache_of(statistics);

    if (cache < view->worth) {
        finding_set(finding, KIND_CAN_DO, "can-install-agent", 0,
                    "In a Linux guest, start vmreclaim-agent%s: it finds what can come back.",
                    again);
        return;
    }
    finding_set(
        finding, KIND_CAN_DO, "can-install-agent", cache,
        "In a Linux guest, start vmreclaim-agent%s: of %s of file cache it takes what is cold, "
        "joins free memory in pieces, knows when the guest is idle, and says when it is "
        "short.",
        again, SIZE(cache));
    finding_add(finding, "cache", cache, "bytes");
}

void explain_agentless_advice(const struct view *view, struct explanation *explanation)
{
    const BalloonStatistics *statistics = statistics_of(view);

    if (view->vm->agent_connected)
        return;
    advise_pulse(view, explanation);
    advise_agent(view, statistics, explanation);
}
