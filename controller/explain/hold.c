/* What holds the memory: the parts of the footprint worth a sentence, largest first. */
#include "common/base/number.h"
#include "common/base/text.h"
#include "controller/explain/view.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A part that the guest's sample names. */
struct part {
    const char *code;
    uint64_t bytes;
    const char *sentence; /* with one %s: the size */
};

static int larger_first(const void *a, const void *b)
{
    const struct part *left = a;
    const struct part *right = b;
    return (left->bytes < right->bytes) - (left->bytes > right->bytes);
}

static void hold_parts(const struct view *view, struct explanation *explanation, struct part *parts,
                       size_t count)
{
    qsort(parts, count, sizeof(parts[0]), larger_first);
    for (size_t i = 0; i < count && parts[i].bytes >= view->worth; i++) {
        struct finding *finding = explanation_next(explanation);
        /* The formats are the table's own. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        finding_set(finding, KIND_HOLDS, parts[i].code, parts[i].bytes, parts[i].sentence,
                    SIZE(parts[i].bytes));
#pragma GCC diagnostic pop
        finding_add(finding, parts[i].code, parts[i].bytes, "bytes");
    }
}

static void hold_guest(const struct view *view, struct explanation *explanation)
{
    const Waterfall *w = view->w;
    const MemorySample *guest = view->guest;
    struct part parts[] = {
        {"anonymous", guest->anon, "%s belongs to processes of the guest (anonymous memory)."},
        {"tmpfs", guest->tmpfs,
         "%s is files in tmpfs (such as /tmp, /dev/shm or /run): memory until "
         "the files are deleted."},
        {"shmem", saturating_subtract(guest->shmem, guest->tmpfs),
         "%s is shared memory of processes, or files in tmpfs."},
        {"file-in-use",
         saturating_subtract(guest->active_file + guest->inactive_file + guest->slab_reclaimable,
                             w->cache),
         "%s is file memory in use: mapped by programs, or not written to disk yet."},
        {"hugetlb-used", saturating_subtract(guest->hugetlb, guest->hugetlb_free),
         "%s is huge pages from the guest's pool, in use."},
        {"hugetlb-pool", guest->hugetlb_free,
         "%s is huge pages that the guest's pool reserves and nobody uses."},
        {"slab", guest->slab_unreclaimable, "%s is kernel memory (slab) that cannot be reclaimed."},
        {"kernel", guest->kernel, "%s is kernel stacks and page tables."},
        {"zram", guest->zram, "%s is zram: swapped pages, compressed, in memory."},
        {"zfs-arc", guest->zfs_arc,
         "%s is the ZFS cache (ARC). The kernel counts it neither as cache nor as free."},
        {"other", guest->vmalloc_and_other,
         "%s is in use but belongs to no part the kernel names (drivers, vmalloc)."},
        {"cache", w->cache, "%s is file cache that the guest could give up now."},
        {"trapped", view->held.trapped,
         "%s is free but trapped: in pieces too small to be reported."},
        {"per-cpu", view->held.percpu, "%s is free but parked in the guest's per-CPU lists."},
        {"reportable", view->held.reportable,
         explain_comes_back(view) ? "%s is free and waits for the guest's next reporting pass."
                                  : "%s is free, in blocks that could be reported."},
        {"unmanaged", w->unmanaged,
         "%s is the guest kernel's own: its image, page structures, holes in the memory map."},
    };

    hold_parts(view, explanation, parts, ARRAY_SIZE(parts));
}

/* Where what the guest counts is more than the host holds. */
static const char *absence(const struct view *view, uint64_t absent)
{
    uint64_t never = view_never_touched(view);

    if (view->w->swapped >= absent / 2)
        return "is in the host's swap";
    if (never >= absent / 10 * 9)
        return "was never touched";
    return never < absent / 10 ? "has left the host" : "was never touched, or has left the host";
}

/* "The host holds 1.0 GiB ...", or why that is not known. */
static void host_part(const struct view *view, uint64_t sum, char *text, size_t size)
{
    const Waterfall *w = view->w;
    uint64_t absent = saturating_subtract(sum, w->footprint);
    char rest[128] = "";

    if (!view_host_is_known(view)) {
        text_format(text, size, "What the host holds of it is not known: %s",
                    strcmp(view->vm->driver_state, "ready") == 0
                        ? "its hypervisor's process cannot be read"
                        : TEXT_CUT(view->vm->driver_state, 200));
        return;
    }
    if (view_excess(view) > 0)
        snprintf(rest, sizeof(rest), ", %s more than the guest needs", SIZE(w->footprint - sum));
    else if (absent >= view->worth)
        snprintf(rest, sizeof(rest), ", since %s of it %s", SIZE(absent), absence(view, absent));
    snprintf(text, size, "The host holds %s%s", SIZE(w->footprint), rest);
}

/* The footprint in words whose numbers add up. */
static void hold_summary(const struct view *view, struct explanation *explanation)
{
    const Waterfall *w = view->w;
    uint64_t free = w->reportable + w->trapped + w->percpu;
    uint64_t sum = w->in_use + w->unmanaged + w->cache + free;
    char kernel[64] = "";
    char host[288];

    if (w->vm_ram != 0)
        snprintf(kernel, sizeof(kernel), " its kernel takes %s for itself,", SIZE(w->unmanaged));
    host_part(view, sum, host, sizeof(host));
    finding_set(explanation_next(explanation), KIND_HOLDS, "summary", w->footprint,
                "The guest uses %s,%s %s is file cache, and %s is free and not reported: %s in "
                "all. %s.",
                SIZE(w->in_use), kernel, SIZE(w->cache), SIZE(free), SIZE(sum), host);
}

/* What the guest has and the host does not. */
static void hold_absent(const struct view *view, struct explanation *explanation)
{
    bool is_known = view->host->touched != 0;
    uint64_t never = view_never_touched(view);
    uint64_t left = view->absent - never;
    struct finding *finding;

    if (never >= view->worth) {
        finding = explanation_next(explanation);
        finding_set(finding, KIND_HOLDS, "never-touched", never,
                    "Up to %s of the above was never touched: the host has held %s for this VM at "
                    "most. It costs nothing yet.",
                    SIZE(never), SIZE(view->host->touched));
        finding_add(finding, "touched", view->host->touched, "bytes");
    }
    if (left >= view->worth) {
        finding = explanation_next(explanation);
        finding_set(finding, KIND_HOLDS, "left-the-host", left,
                    is_known ? "At least %s of the above was on the host and has left it: it costs "
                               "nothing until the guest uses it again."
                             : "%s of the above is not on the host: never touched, or it has left. "
                               "It costs nothing until the guest uses it.",
                    SIZE(left));
        finding_add(finding, "touched", view->host->touched, "bytes");
    }
}

/* Where nobody says what holds the memory. A last sample is named, not shown: what it said may have
 * been over for long. */
static void hold_unknown(const struct view *view, struct explanation *explanation)
{
    struct finding *finding = explanation_next(explanation);
    uint64_t footprint = view->w->footprint;
    char host[288];

    if (view_host_is_known(view))
        snprintf(host, sizeof(host), "The host holds %s for this VM", SIZE(footprint));
    else
        host_part(view, 0, host, sizeof(host));
    if (view->vm->agent_connected) {
        finding_set(finding, KIND_HOLDS, "no-sample", footprint,
                    "%s; what for is not known before the guest's agent has sent a sample.", host);
    } else if (view->vm->last_sample_ns == 0 || view->time < view->vm->last_sample_ns) {
        finding_set(finding, KIND_HOLDS, "no-agent", footprint,
                    "%s; without an agent in the guest nobody can say what for.", host);
    } else {
        nsec_t age = (nsec_t)(view->time - view->vm->last_sample_ns);
        finding_set(finding, KIND_HOLDS, "no-agent", footprint,
                    "%s; nobody can say what for, since the agent in the guest is gone: its last "
                    "sample is %s old.",
                    host, duration_text(age).text);
        finding_add(finding, "sample_age", age, "nanoseconds");
    }
}

void explain_holds(const struct view *view, struct explanation *explanation)
{
    if (view->guest != NULL) {
        hold_summary(view, explanation);
        hold_guest(view, explanation);
        hold_absent(view, explanation);
    } else {
        hold_unknown(view, explanation);
        explain_agentless_holds(view, explanation);
    }
}
