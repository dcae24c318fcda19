/* Free page reporting is off, or on without effect. */
#include "controller/explain/reason.h"

#include <stdio.h>
#include <string.h>

#include "common/base/text.h"

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
        snprintf(what, sizeof(what), "%s of free memory", SIZE(stays));
    reason_set(finding, stays, "Free page reporting is %s, so %s stays on the host: %s.",
               view_is_offered(view) ? "offered, and the guest does not use it" : "off", what,
               why[0] == '\0' ? "the hypervisor does not offer it" : TEXT_CUT(why, 200));
    if (!view_is_offered(view))
        finding_command(finding, "vmreclaim doctor %s", view->name);
    if (view->guest == NULL)
        return true;
    finding_add(finding, "reportable", view->held.reportable, "bytes");
    finding_add(finding, "trapped", view->held.trapped, "bytes");
    return true;
}

/* Whether reporting is on or off: nothing can come of it. */
static bool inert(const struct view *view, struct finding *finding, const char *sentence)
{
    reason_set(finding, view_free_on_host(view), "Free page reporting has no effect here: %s",
               sentence);
    if (view->w->reported_is_known)
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
        view, finding,
        "a device is assigned to this VM (VFIO, vDPA), which pins all of its memory on the host.");
    finding_add(finding, "vfio_devices", view->host->vfio_devices, "count");
    return true;
}

static bool inert_encrypted(const struct view *view, struct finding *finding)
{
    return view->host->encrypted && inert(view, finding,
                                          "the guest's memory is encrypted (SEV or TDX) and cannot "
                                          "be discarded page by page.");
}

static bool inert_locked(const struct view *view, struct finding *finding)
{
    return view->host->locked &&
           inert(view, finding, "the guest's memory is locked on the host (mlock), or pinned.");
}

static bool inert_huge_pages(const struct view *view, struct finding *finding)
{
    if (strcmp(view->host->backing, "hugetlb") != 0 || view->report_block == 0 ||
        view->host->backing_page_size <= view->report_block)
        return false;
    (void)inert(view, finding,
                "the guest reports blocks smaller than the huge pages that back its memory, and "
                "only whole ones can be discarded.");
    finding_add(finding, "backing_page_size", view->host->backing_page_size, "bytes");
    finding_add(finding, "report_block", view->report_block, "bytes");
    return true;
}

/* The hypervisor offers reporting, and the guest's driver has declined it. Linux does so where it
 * puts a pattern on free pages and the balloon does not offer to keep it. The pattern may come from
 * the command line or be built in. */
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
        reason_set(finding, view_free_on_host(view),
                   "Free page reporting is offered, and the guest's driver has declined it. Its "
                   "kernel overwrites free pages (init_on_free or page_poison, perhaps built in), "
                   "and the balloon does not offer to keep that (QEMU: page-poison=on).");
    else if (strncmp(view->vm->reporting, "off", 3) != 0 &&
             !view_has_feature(view, "unpoisoned-pages", &reason) &&
             view_has_feature(view, "free-page-reporting", NULL) && view_excess(view) > 0)
        reason_set(finding, view_free_on_host(view),
                   "Free page reporting is on but has no effect: %s; the hypervisor keeps "
                   "that pattern and discards nothing.",
                   TEXT_CUT(reason, 160));
    else
        return false;
    finding_add(finding, "reported", view->w->reported, "bytes");
    finding_add(finding, "reportable", view->w->reportable, "bytes");
    if (view->w->remainder > 0)
        finding_add(finding, "remainder", (uint64_t)view->w->remainder, "bytes");
    return true;
}

static const struct reason list[] = {
    {"reporting-inert-poisoning", "the pattern that the kernel puts on free pages stops reporting",
     "reported reportable remainder",
     "boot the guest without page_poison and init_on_free. Where its kernel writes zeros only, "
     "page-poison=on at QEMU's balloon is enough",
     inert_poisoned, REASON_OF_REPORTING | REASON_OF_EXCESS},
    {"reporting-inert-vfio", "an assigned device pins all of the memory",
     "reported remainder vfio_devices", "none while the device is assigned", inert_vfio,
     REASON_OF_REPORTING | REASON_OF_EXCESS},
    {"reporting-inert-encrypted", "encrypted memory cannot be discarded in pieces",
     "reported remainder", "none for an encrypted guest", inert_encrypted,
     REASON_OF_REPORTING | REASON_OF_EXCESS},
    {"reporting-inert-locked", "the memory is locked on the host", "reported remainder",
     "start the hypervisor without mlock, or the domain without <locked/>", inert_locked,
     REASON_OF_REPORTING | REASON_OF_EXCESS},
    {"reporting-off", "free page reporting is not on; only the balloon can return memory",
     "reportable trapped",
     "'vmreclaim doctor VM' prints the line to add; until then 'vmreclaim pulse VM'", reporting_off,
     REASON_OF_REPORTING | REASON_OF_EXCESS},
    {"reporting-inert-huge-pages", "the host's huge pages are larger than what the guest reports",
     "reported remainder backing_page_size report_block",
     "report blocks as large as the huge pages, 'vmreclaim reporting VM --order 9' for 2 MiB on "
     "x86-64; or back the VM with ordinary memory",
     inert_huge_pages, REASON_OF_REPORTING | REASON_OF_EXCESS},
};

const struct reason_group reasons_reporting = {list, ARRAY_SIZE(list)};
