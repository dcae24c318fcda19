/* Memory that is free in the guest and not reported. */
#include "controller/explain/reason.h"

/* Of an action it is the cause only when most of what is trapped is of this kind. */
static bool fragmented_unmovable(const struct view *view, struct finding *finding)
{
    const MemorySample *guest = view->guest;
    uint64_t stuck;

    if (guest == NULL || !guest->trapped_kinds_are_known)
        return false;
    stuck = guest->trapped_unmovable + guest->trapped_reclaimable;
    if (stuck < view->worth || (view->action != NULL && stuck < view->w->trapped / 2))
        return false;
    reason_set(finding, stuck,
               "%s of free memory lies between kernel memory that cannot be moved (%s unmovable, "
               "%s reclaimable slab, in %llu pageblocks); compaction cannot join it. A lower "
               "reporting order returns part of it.",
               SIZE(stuck), SIZE(guest->trapped_unmovable), SIZE(guest->trapped_reclaimable),
               (unsigned long long)guest->unmovable_blocks);
    finding_add(finding, "trapped", view->w->trapped, "bytes");
    finding_add(finding, "trapped_unmovable", guest->trapped_unmovable, "bytes");
    finding_add(finding, "trapped_reclaimable", guest->trapped_reclaimable, "bytes");
    finding_add(finding, "unmovable_blocks", guest->unmovable_blocks, "count");
    return true;
}

static bool fragmented(const struct view *view, struct finding *finding)
{
    if (view->action == NULL ||
        view->w->trapped < max_of(view->worth, view_let_go(view->action->guest) / 2))
        return false;
    if (view->report_block == 0)
        reason_set(finding, view->w->trapped,
                   "%s is free in pieces that are too small to be reported.",
                   SIZE(view->w->trapped));
    else
        reason_set(finding, view->w->trapped,
                   "%s is free in pieces smaller than the %s that the guest reports.",
                   SIZE(view->w->trapped), SIZE(view->report_block));
    finding_add(finding, "trapped", view->w->trapped, "bytes");
    if (view->report_block != 0)
        finding_add(finding, "report_block", view->report_block, "bytes");
    return true;
}

static bool held_back(const struct view *view, struct finding *finding)
{
    uint64_t kept = min_of(view->w->held_back, view->held.reportable);

    if (!explain_comes_back(view) || kept < view->worth)
        return false;
    reason_set(finding, kept,
               "%s of free memory is kept by the guest kernel's watermarks: it reports nothing "
               "below them. A lower reporting order lowers them.",
               SIZE(kept));
    finding_add(finding, "held_back", view->w->held_back, "bytes");
    finding_add(finding, "reportable", view->w->reportable, "bytes");
    return true;
}

static bool throttled(const struct view *view, struct finding *finding)
{
    uint64_t waiting = view_waits(view);

    if (!explain_comes_back(view) || waiting < max_of(view->worth, 64 * MIB))
        return false;
    reason_set(finding, waiting,
               "%s is free and waits: the guest's kernel reports a sixteenth every two seconds, "
               "so this takes about half a minute.",
               SIZE(waiting));
    finding_add(finding, "reportable", view->w->reportable, "bytes");
    finding_add(finding, "held_back", view->w->held_back, "bytes");
    return true;
}

static bool per_cpu(const struct view *view, struct finding *finding)
{
    if (view->held.percpu < max_of(view->worth, 32 * MIB))
        return false;
    reason_set(finding, view->held.percpu,
               "%s is parked in per-CPU lists, where no reporting pass sees it.",
               SIZE(view->held.percpu));
    if (view_takes_commands(view) && explain_comes_back(view))
        finding_command(finding, "vmreclaim reporting %s --kick", view->name);
    finding_add(finding, "percpu", view->w->percpu, "bytes");
    return true;
}

static const struct reason list[] = {
    {"fragmented-unmovable", "free memory between kernel memory that compaction cannot move",
     "trapped trapped_unmovable trapped_reclaimable unmovable_blocks",
     "'vmreclaim squeeze VM' returns part of it, by a lower reporting order for a while",
     fragmented_unmovable, 0},
    {"fragmented", "free memory in pieces that are too small", "trapped report_block",
     "'vmreclaim compact VM'", fragmented, 0},
    {"held-back", "the guest kernel's watermark keeps reporting from it", "held_back reportable",
     "'vmreclaim squeeze VM', which lowers the reporting order for a while", held_back, 0},
    {"throttled", "the kernel has not got to it yet: half a minute", "reportable held_back",
     "wait half a minute, then look again", throttled, 0},
    {"per-cpu-lists", "parked in per-CPU lists", "percpu", "'vmreclaim reporting VM --kick'",
     per_cpu, 0},
};

const struct reason_group reasons_free = {list, ARRAY_SIZE(list)};
