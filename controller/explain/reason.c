/* Why memory does not come back: one detector per reason. Each is pure, looks at few figures and
 * keeps them as evidence. The table's order is the way of a page, from what forbids an action to
 * where the host gets its memory; the first reason that holds is the one an action's record names.
 */
#include "controller/explain/view.h"

#include <stdio.h>
#include <string.h>

#define DEFAULT_REFAULT_RATE 250 /* pages per second: of the balanced profile */

enum { OUTCOME_BUSY = VMRECLAIM__AGENT__V1__OUTCOME__OUTCOME_STOPPED_BUSY };

/* ---- what forbids ---- */

/* Nothing is under way: whether orders would be taken at all. */
static bool orders_are_forbidden(const struct view *view, struct finding *finding)
{
    if (view->guest == NULL || view->policy == NULL || view->policy->allow_commands)
        return false;
    finding_set(finding, KIND_STUCK, "policy-forbids", 0,
                "The guest takes no orders from a host: its policy or its own configuration says "
                "allow_commands=false. What comes back is what its policy takes by itself.");
    finding_command(finding, "vmreclaim policy show --effective %s", view->name);
    return true;
}

static bool policy_forbids(const struct view *view, struct finding *finding)
{
    const Action *action = view->action;

    if (action == NULL)
        return orders_are_forbidden(view, finding);
    if (action->guest == NULL ||
        action->guest->outcome != VMRECLAIM__AGENT__V1__OUTCOME__OUTCOME_FORBIDDEN_BY_POLICY)
        return false;
    finding_set(finding, KIND_STUCK, "policy-forbids", 0,
                "The guest's policy or its own configuration forbids this action.");
    finding_command(finding, "vmreclaim vm show %s", view->name);
    return true;
}

static bool guest_lacks(const struct view *view, struct finding *finding)
{
    const Action *action = view->action;

    if (action == NULL || action->guest == NULL ||
        action->guest->outcome != VMRECLAIM__AGENT__V1__OUTCOME__OUTCOME_NOT_SUPPORTED)
        return false;
    finding_set(finding, KIND_STUCK, "not-supported", 0,
                "The guest's kernel cannot do this: %.200s.", action->guest->reason);
    return true;
}

/* Actions run in the idle class: a guest that works leaves them nothing. */
static bool is_starved(const ActionResult *guest)
{
    return guest->outcome == VMRECLAIM__AGENT__V1__OUTCOME__OUTCOME_STOPPED_TIME_LIMIT &&
           guest->duration_ns >= NSEC_PER_SEC && guest->cpu_ns < guest->duration_ns / 10;
}

static bool guest_busy(const struct view *view, struct finding *finding)
{
    const ActionResult *guest = view->action == NULL ? NULL : view->action->guest;
    bool starved = guest != NULL && is_starved(guest);
    bool stopped = guest != NULL &&
                   ((int)guest->outcome == OUTCOME_BUSY ||
                    guest->outcome == VMRECLAIM__AGENT__V1__OUTCOME__OUTCOME_STOPPED_PRESSURE);

    if (view->action != NULL && !stopped && !starved)
        return false;
    if (view->action == NULL && (strcmp(view->vm->engine_state, "busy") != 0 ||
                                 view->w->cache + view->w->trapped < view->worth))
        return false;
    if (starved)
        finding_set(finding, KIND_STUCK, "guest-busy", view->w->cache + view->w->trapped,
                    "The guest was so busy that the action, which only takes idle CPU time, got "
                    "%llu ms of it in %llu s.",
                    (unsigned long long)(guest->cpu_ns / NSEC_PER_MSEC),
                    (unsigned long long)(guest->duration_ns / NSEC_PER_SEC));
    else if (stopped)
        finding_set(finding, KIND_STUCK, "guest-busy", view->w->cache + view->w->trapped,
                    "The action was stopped: %.160s.", guest->reason);
    else
        finding_set(finding, KIND_STUCK, "guest-busy", view->w->cache + view->w->trapped,
                    "Its policy takes nothing from the guest for now: %.160s.",
                    view->vm->engine_reason);
    finding_add(finding, "cache", view->w->cache, "bytes");
    finding_add(finding, "trapped", view->w->trapped, "bytes");
    return true;
}

/* ---- reporting cannot work ---- */

static bool reporting_off(const struct view *view, struct finding *finding)
{
    uint64_t stays = view_free_on_host(view);
    const char *why = view->vm->reporting;
    char what[64] = "what the guest frees";

    if (view_reports(view))
        return false;
    if (strncmp(why, "off", 3) == 0)
        why += strncmp(why, "off: ", 5) == 0 ? 5 : 3;
    else
        (void)view_has_feature(view, "free-page-reporting", &why);
    if (stays >= view->worth)
        (void)snprintf(what, sizeof(what), "%s of free memory", SIZE(stays));
    finding_set(finding, KIND_STUCK, "reporting-off", stays,
                "Free page reporting is %s, so %s stays on the host: %.200s.",
                view_is_offered(view) ? "offered, and the guest does not use it" : "off", what,
                why[0] == '\0' ? "the hypervisor does not offer it" : why);
    finding_add(finding, "reportable", view->held.reportable, "bytes");
    finding_add(finding, "trapped", view->held.trapped, "bytes");
    return true;
}

/* Whether reporting is on or off: nothing can come of it. */
static bool inert(const struct view *view, struct finding *finding, const char *code,
                  const char *sentence)
{
    finding_set(finding, KIND_STUCK, code, view_free_on_host(view),
                "Free page reporting has no effect here: %s", sentence);
    finding_add(finding, "reported", view->w->reported, "bytes");
    if (view->w->remainder > 0)
        finding_add(finding, "remainder", (uint64_t)view->w->remainder, "bytes");
    return true;
}

static bool inert_vfio(const struct view *view, struct finding *finding)
{
    if (view->host->vfio_devices == 0)
        return false;
    (void)inert(
        view, finding, "reporting-inert-vfio",
        "a device is assigned to this VM (VFIO, vDPA), which pins all of its memory on the host.");
    finding_add(finding, "vfio_devices", view->host->vfio_devices, "count");
    return true;
}

static bool inert_encrypted(const struct view *view, struct finding *finding)
{
    return view->host->encrypted && inert(view, finding, "reporting-inert-encrypted",
                                          "the guest's memory is encrypted (SEV or TDX) and cannot "
                                          "be discarded page by page.");
}

static bool inert_locked(const struct view *view, struct finding *finding)
{
    return view->host->locked &&
           inert(view, finding, "reporting-inert-locked",
                 "the guest's memory is locked on the host (mlock), or pinned.");
}

static bool inert_huge_pages(const struct view *view, struct finding *finding)
{
    if (strcmp(view->host->backing, "hugetlb") != 0 || view->report_block == 0 ||
        view->host->backing_page_size <= view->report_block)
        return false;
    (void)inert(view, finding, "reporting-inert-huge-pages",
                "the guest reports blocks smaller than the huge pages that back its memory, and "
                "only whole ones can be discarded.");
    finding_add(finding, "backing_page_size", view->host->backing_page_size, "bytes");
    finding_add(finding, "report_block", view->report_block, "bytes");
    return true;
}

/* The hypervisor offers reporting, and the guest's driver has declined it. Linux does so where the
 * balloon does not offer to keep the pattern that the kernel puts on free pages, whether its
 * command line says so or the option is built in. */
static bool is_declined(const struct view *view)
{
    return view_is_offered(view) && !view_has_feature(view, "free-page-reporting", NULL) &&
           (view->info->reporting_not_agreed || !view_has_feature(view, "unpoisoned-pages", NULL));
}

/* QEMU discards nothing while the pattern is other than zero. With a pattern of zero all works, so
 * the kernel's option alone is no reason. */
static bool inert_poisoned(const struct view *view, struct finding *finding)
{
    const char *reason = "";

    if (is_declined(view))
        finding_set(finding, KIND_STUCK, "reporting-inert-poisoning", view_free_on_host(view),
                    "Free page reporting is offered, and the guest's driver has declined it: its "
                    "kernel overwrites free pages (init_on_free or page_poison, perhaps built in), "
                    "and the balloon does not offer to keep that (QEMU: page-poison=on).");
    else if (strncmp(view->vm->reporting, "off", 3) != 0 &&
             !view_has_feature(view, "unpoisoned-pages", &reason) &&
             view_has_feature(view, "free-page-reporting", NULL) && view_excess(view) > 0)
        finding_set(finding, KIND_STUCK, "reporting-inert-poisoning", view_free_on_host(view),
                    "Free page reporting is on but has no effect: %.160s; the hypervisor keeps "
                    "that pattern and discards nothing.",
                    reason);
    else
        return false;
    finding_add(finding, "reported", view->w->reported, "bytes");
    finding_add(finding, "reportable", view->w->reportable, "bytes");
    if (view->w->remainder > 0)
        finding_add(finding, "remainder", (uint64_t)view->w->remainder, "bytes");
    return true;
}

/* ---- it came back, and went again ---- */

static bool khugepaged(const struct view *view, struct finding *finding)
{
    uint64_t excess = view_excess(view);
    uint32_t order = view_huge_order(view);

    /* A huge page without one page of the guest is not filled: only small holes are. */
    if (excess == 0 || !view->host->transparent_huge_pages || view->info == NULL ||
        view->guest == NULL || view->guest->reported_small < excess / 2)
        return false;
    finding_set(finding, KIND_STUCK, "khugepaged-refilled", excess,
                "%s was returned in pieces smaller than a huge page, and the host's khugepaged "
                "filled the holes again. A reporting order of %u avoids it.",
                SIZE(excess), order);
    if (view_takes_commands(view))
        finding_command(finding, "vmreclaim reporting %s --order %u", view->name, order);
    finding_add(finding, "remainder", excess, "bytes");
    finding_add(finding, "reported_small", view->guest->reported_small, "bytes");
    if (view->host->huge_bytes > 0)
        finding_add(finding, "huge_bytes", view->host->huge_bytes, "bytes");
    finding_add(finding, "reporting_order", view->info->reporting_order, "count");
    return true;
}

static bool filled(const struct view *view, struct finding *finding, bool cause, const char *code,
                   const char *what)
{
    uint64_t excess = view_excess(view);

    if (excess == 0 || !cause)
        return false;
    finding_set(finding, KIND_STUCK, code, excess,
                "%s was filled by %s: the guest still marks those blocks as reported, so they are "
                "not reported again until they are used and freed once more.",
                SIZE(excess), what);
    finding_add(finding, "remainder", excess, "bytes");
    finding_add(finding, "reported", view->w->reported, "bytes");
    return true;
}

static bool migration_filled(const struct view *view, struct finding *finding)
{
    return filled(view, finding, view->host->migrated_in, "migration-filled",
                  "the migration to this host");
}

static bool restore_filled(const struct view *view, struct finding *finding)
{
    return filled(view, finding, view->host->restored, "restore-filled",
                  "restoring the VM from a snapshot");
}

/* The last sample of an action, and its BEFORE. */
static const ActionSample *sample_of(const Action *action, bool last)
{
    const ActionSample *found = NULL;

    for (size_t i = 0; action != NULL && i < action->n_samples; i++) {
        const ActionSample *sample = action->samples[i];
        bool before = sample->phase == VMRECLAIM__CONTROLLER__V1__ACTION_PHASE__ACTION_PHASE_BEFORE;
        if (sample->guest_is_known && (last || before))
            found = sample;
    }
    return found;
}

static bool guest_took_again(const struct view *view, struct finding *finding)
{
    const ActionSample *before = sample_of(view->action, false);
    const ActionSample *after = sample_of(view->action, true);

    if (before == NULL || after == NULL || after->in_use < before->in_use + view->worth)
        return false;
    finding_set(finding, KIND_STUCK, "guest-took-again", after->in_use - before->in_use,
                "The guest itself took %s meanwhile: what was freed is in use again.",
                SIZE(after->in_use - before->in_use));
    finding_add(finding, "in_use_before", before->in_use, "bytes");
    finding_add(finding, "in_use_after", after->in_use, "bytes");
    return true;
}

/* ---- cache ---- */

static bool is_reclaim(const Action *action)
{
    return action != NULL && strcmp(action->kind, "reclaim") == 0;
}

/* Nothing is under way: the guest reads back more than its policy takes for a sign that it needs
 * the cache. */
static bool cache_is_read_back(const struct view *view, struct finding *finding)
{
    uint64_t rate = view->vm->refault_rate;
    uint64_t limit = view->policy == NULL ? DEFAULT_REFAULT_RATE : view->policy->refault_rate;
    uint64_t page_size = view->info == NULL ? 0 : view->info->page_size;
    uint64_t bytes;

    if (view->guest == NULL || rate <= limit || __builtin_mul_overflow(rate, page_size, &bytes))
        return false;
    finding_set(finding, KIND_STUCK, "cache-hot", view->w->cache,
                "The cache is hot: the guest reads %s of file pages back every second that it had "
                "to give up before. What is taken now costs it as much again.",
                page_size == 0 ? "some" : SIZE(bytes));
    finding_add(finding, "refault_rate", rate, "pages");
    finding_add(finding, "refault_limit", limit, "pages");
    finding_add(finding, "cache", view->w->cache, "bytes");
    return true;
}

static bool cache_hot(const struct view *view, struct finding *finding)
{
    const ActionSample *after = sample_of(view->action, true);
    const ActionResult *guest = view->action == NULL ? NULL : view->action->guest;

    if (view->action == NULL)
        return cache_is_read_back(view, finding);

    if (!is_reclaim(view->action) || guest == NULL || after == NULL ||
        guest->cache_before < guest->cache_after + view->worth ||
        after->cache < guest->cache_after + (guest->cache_before - guest->cache_after) / 2)
        return false;
    finding_set(finding, KIND_STUCK, "cache-hot", after->cache - guest->cache_after,
                "The cache is hot: %s of what was taken has been read again.",
                SIZE(after->cache - guest->cache_after));
    finding_add(finding, "cache_after", guest->cache_after, "bytes");
    finding_add(finding, "cache_now", after->cache, "bytes");
    return true;
}

static bool cache_dirty(const struct view *view, struct finding *finding)
{
    uint64_t dirty;

    if (view->guest == NULL)
        return false;
    dirty = view->guest->dirty + view->guest->writeback;
    if (dirty < view->worth || (view->action != NULL && !is_reclaim(view->action)))
        return false;
    finding_set(finding, KIND_STUCK, "cache-dirty", dirty,
                "%s of the cache is not written to disk yet and cannot be taken before it is.",
                SIZE(dirty));
    finding_add(finding, "dirty", view->guest->dirty, "bytes");
    finding_add(finding, "writeback", view->guest->writeback, "bytes");
    return true;
}

static bool cache_mapped(const struct view *view, struct finding *finding)
{
    uint64_t mapped = view->guest == NULL ? 0 : view->guest->mapped;

    if (mapped < max_of(view->worth, 64 * MIB) ||
        (view->action != NULL && !is_reclaim(view->action)))
        return false;
    finding_set(finding, KIND_STUCK, "cache-mapped", mapped,
                "%s of file memory is mapped by running processes: programs, libraries, data.",
                SIZE(mapped));
    finding_add(finding, "mapped", mapped, "bytes");
    return true;
}

/* ---- free, and not reported ---- */

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
    finding_set(finding, KIND_STUCK, "fragmented-unmovable", stuck,
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
    finding_set(finding, KIND_STUCK, "fragmented", view->w->trapped,
                "%s is free in pieces smaller than the %s that the guest reports.",
                SIZE(view->w->trapped), SIZE(view->report_block));
    finding_add(finding, "trapped", view->w->trapped, "bytes");
    finding_add(finding, "report_block", view->report_block, "bytes");
    return true;
}

static bool held_back(const struct view *view, struct finding *finding)
{
    uint64_t kept = min_of(view->w->held_back, view->held.reportable);

    if (!explain_comes_back(view) || kept < view->worth)
        return false;
    finding_set(finding, KIND_STUCK, "held-back", kept,
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
    finding_set(finding, KIND_STUCK, "throttled", waiting,
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
    finding_set(finding, KIND_STUCK, "per-cpu-lists", view->held.percpu,
                "%s is parked in per-CPU lists, where no reporting pass sees it.",
                SIZE(view->held.percpu));
    if (view_takes_commands(view) && explain_comes_back(view))
        finding_command(finding, "vmreclaim reporting %s --kick", view->name);
    finding_add(finding, "percpu", view->w->percpu, "bytes");
    return true;
}

/* ---- the host ---- */

static bool host_swap(const struct view *view, struct finding *finding)
{
    if (view->w->swapped < view->worth)
        return false;
    finding_set(finding, KIND_STUCK, "host-swap", view->w->swapped,
                "%s of this VM lies in the host's swap: not in memory, but it comes back when the "
                "guest touches it. Freed blocks leave swap when they are reported.",
                SIZE(view->w->swapped));
    finding_add(finding, "swapped", view->w->swapped, "bytes");
    return true;
}

/* What the balloon holds beside our leases: no lease is taken above the baseline. A lease that
 * waits for its hypervisor lies in the balloon already, and not below the baseline. */
static uint64_t taken_by_others(const struct view *view)
{
    const Vmreclaim__Controller__V1__Vm *vm = view->vm;
    uint64_t waiting = vm->balloon_target == vm->balloon_baseline ? vm->balloon_lease : 0;
    uint64_t ours = vm->balloon_baseline + waiting;

    return vm->balloon_baseline == 0 || ours >= vm->balloon_maximum ? 0
                                                                    : vm->balloon_maximum - ours;
}

static bool foreign_balloon(const struct view *view, struct finding *finding)
{
    uint64_t taken = view->action == NULL ? taken_by_others(view) : 0;

    if (view->host->foreign_balloon_owner[0] != '\0')
        finding_set(finding, KIND_STUCK, "foreign-balloon", view->w->balloon,
                    "Someone else moves this VM's balloon (%.64s); vmreclaim leaves it alone.",
                    view->host->foreign_balloon_owner);
    else if (taken >= view->worth)
        finding_set(finding, KIND_STUCK, "foreign-balloon", taken,
                    "%s is in the balloon and under none of vmreclaim's leases: someone else took "
                    "it, and vmreclaim leaves it there.",
                    SIZE(taken));
    else
        return false;
    finding_add(finding, "balloon", view->w->balloon, "bytes");
    finding_add(finding, "baseline", view->vm->balloon_baseline, "bytes");
    return true;
}

static bool reported_but_resident(const struct view *view, struct finding *finding)
{
    uint64_t excess = view_excess(view);

    if (excess == 0)
        return false;
    finding_set(finding, KIND_STUCK, "unknown", excess,
                "%s is on the host though no part of the guest needs it, and no known cause fits: "
                "the footprint is %s, the guest's parts explain %s.",
                SIZE(excess), SIZE(view->w->footprint), SIZE(view->w->footprint - excess));
    finding_add(finding, "footprint", view->w->footprint, "bytes");
    finding_add(finding, "remainder", excess, "bytes");
    finding_add(finding, "reported", view->w->reported, "bytes");
    return true;
}

static const struct {
    const char *code;
    bool (*detect)(const struct view *view, struct finding *finding);
    bool of_cache; /* why cache was not freed at all; the others are about memory that is free */
} reasons[] = {
    {"policy-forbids", policy_forbids, true},
    {"not-supported", guest_lacks, true},
    {"guest-busy", guest_busy, true},
    {"reporting-inert-poisoning", inert_poisoned, false}, /* the guest then calls it off too */
    {"reporting-inert-vfio", inert_vfio, false},
    {"reporting-inert-encrypted", inert_encrypted, false},
    {"reporting-inert-locked", inert_locked, false},
    {"reporting-off", reporting_off, false},
    {"reporting-inert-huge-pages", inert_huge_pages, false},
    {"khugepaged-refilled", khugepaged, false},
    {"migration-filled", migration_filled, false},
    {"restore-filled", restore_filled, false},
    {"guest-took-again", guest_took_again, true},
    {"cache-hot", cache_hot, true},
    {"cache-dirty", cache_dirty, true},
    {"cache-mapped", cache_mapped, true},
    {"fragmented-unmovable", fragmented_unmovable, false},
    {"fragmented", fragmented, false},
    {"held-back", held_back, false},
    {"throttled", throttled, false},
    {"per-cpu-lists", per_cpu, false},
    {"host-swap", host_swap, false},
    {"foreign-balloon", foreign_balloon, false},
    {"unknown", reported_but_resident, false},
};

const char *explain_reason_code(size_t index)
{
    return index < ARRAY_SIZE(reasons) ? reasons[index].code : NULL;
}

static bool is_of_reporting(const char *code)
{
    return strncmp(code, "reporting-", 10) == 0;
}

bool explain_comes_back(const struct view *view)
{
    struct finding finding;

    for (size_t i = 0; i < ARRAY_SIZE(reasons); i++)
        if (is_of_reporting(reasons[i].code) && reasons[i].detect(view, &finding))
            return false;
    return true;
}

/* An excess has one cause: after the first that claims it, "unknown" is no finding. */
static bool claims_excess(const char *code)
{
    return is_of_reporting(code) || strcmp(code, "khugepaged-refilled") == 0 ||
           strcmp(code, "migration-filled") == 0 || strcmp(code, "restore-filled") == 0;
}

void explain_reasons(const struct view *view, struct explanation *explanation)
{
    bool claimed = false;

    for (size_t i = 0; i < ARRAY_SIZE(reasons); i++) {
        struct finding finding;
        bool on_excess = claims_excess(reasons[i].code) || strcmp(reasons[i].code, "unknown") == 0;
        if ((claimed && on_excess) || !reasons[i].detect(view, &finding))
            continue;
        claimed = claimed || claims_excess(reasons[i].code);
        *explanation_next(explanation) = finding;
    }
}

/* With the numbers, when no reason fits. */
static void unknown(const struct view *view, struct finding *finding, uint64_t freed)
{
    const Action *action = view->action;
    int64_t returned = max_of(action->host_returned, (int64_t)0);

    finding_set(finding, KIND_STUCK, "unknown", freed,
                "The guest let %s go and the host got %s; no known cause fits.", SIZE(freed),
                SIZE((uint64_t)returned));
    finding_add(finding, "guest_freed", freed, "bytes");
    finding_add(finding, "host_returned", (uint64_t)returned, "bytes");
    finding_add(finding, "reported", view->w->reported, "bytes");
    finding_add(finding, "reportable", view->w->reportable, "bytes");
    finding_add(finding, "trapped", view->w->trapped, "bytes");
}

bool explain_action_reason(const struct view *view, struct finding *finding)
{
    uint64_t freed = view_let_go(view->action->guest);
    int64_t returned = view->action->host_returned;

    if (returned > 0 && (uint64_t)returned >= max_of(freed / 2, view->worth))
        return false;
    for (size_t i = 0; i + 1 < ARRAY_SIZE(reasons); i++) {
        if (is_reclaim(view->action) && freed < view->worth && !reasons[i].of_cache)
            continue;
        if (reasons[i].detect(view, finding))
            return true;
    }
    if (freed < view->worth)
        return false;
    unknown(view, finding, freed);
    return true;
}
