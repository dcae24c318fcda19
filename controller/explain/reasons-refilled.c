/* Memory came back to the host, and went again. */
#include "controller/explain/reason.h"

static bool khugepaged(const struct view *view, struct finding *finding)
{
    uint64_t excess = view_excess(view);
    uint32_t order = view_huge_order(view);

    /* A huge page without one page of the guest is not filled: only small holes are. */
    if (excess == 0 || !view->host->transparent_huge_pages || view->info == NULL ||
        view->guest == NULL || view->guest->reported_small < excess / 2)
        return false;
    reason_set(finding, excess,
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

static bool filled(const struct view *view, struct finding *finding, bool cause, const char *what)
{
    uint64_t excess = view_excess(view);

    if (excess == 0 || !cause)
        return false;
    reason_set(finding, excess,
               "%s was filled by %s. The guest still marks those blocks as reported, so they are "
               "not reported again until they are used and freed once more.",
               SIZE(excess), what);
    finding_add(finding, "remainder", excess, "bytes");
    finding_add(finding, "reported", view->w->reported, "bytes");
    return true;
}

static bool migration_filled(const struct view *view, struct finding *finding)
{
    return filled(view, finding, view->host->migrated_in, "the migration to this host");
}

static bool restore_filled(const struct view *view, struct finding *finding)
{
    return filled(view, finding, view->host->restored, "restoring the VM from a snapshot");
}

static bool guest_took_again(const struct view *view, struct finding *finding)
{
    const ActionSample *before = reason_sample(view->action, false);
    const ActionSample *after = reason_sample(view->action, true);

    if (before == NULL || after == NULL || after->in_use < before->in_use + view->worth)
        return false;
    reason_set(finding, after->in_use - before->in_use,
               "The guest itself took %s meanwhile: what was freed is in use again.",
               SIZE(after->in_use - before->in_use));
    finding_add(finding, "in_use_before", before->in_use, "bytes");
    finding_add(finding, "in_use_after", after->in_use, "bytes");
    return true;
}

static const struct reason list[] = {
    {"khugepaged-refilled", "the host joined the returned pieces to huge pages again",
     "remainder reported_small huge_bytes reporting_order",
     "'vmreclaim reporting VM --order N' with the order that the finding names; or back the VM "
     "with a memfd",
     khugepaged, REASON_OF_EXCESS},
    {"migration-filled", "arriving on this host filled memory that the guest had returned",
     "remainder reported",
     "none at once: it returns as the guest uses these blocks and frees them again. Next time "
     "squeeze the VM before it migrates",
     migration_filled, REASON_OF_EXCESS},
    {"restore-filled", "restoring the VM filled memory that the guest had returned",
     "remainder reported",
     "none at once: it returns as the guest uses these blocks and frees them again. Next time "
     "squeeze the VM before it is saved",
     restore_filled, REASON_OF_EXCESS},
    {"guest-took-again", "the guest used what was freed", "in_use_before in_use_after",
     "none: the guest needs it", guest_took_again, REASON_OF_CACHE},
};

const struct reason_group reasons_refilled = {list, ARRAY_SIZE(list)};
