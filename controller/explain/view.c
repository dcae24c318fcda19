/* What the lists of an explanation share. */
#include "controller/explain/view.h"

#include <stdarg.h>
#include <string.h>

#include "common/base/text.h"
#include "controller/leases/balloon-leases.h"

#define WORTH_MIN (16 * MIB)

/* What measuring two sides can miss. */
static uint64_t tolerance_of(const Waterfall *w)
{
    return max_of(32 * MIB, w->footprint / 100 * 3);
}

/* What lies in the host's swap is still there. */
static uint64_t absent_of(const Waterfall *w)
{
    uint64_t absent =
        w->remainder < 0 ? saturating_subtract(0 - (uint64_t)w->remainder, w->swapped) : 0;

    return absent > tolerance_of(w) ? absent : 0;
}

static uint64_t take(uint64_t part, uint64_t *absent)
{
    uint64_t taken = min_of(part, *absent);

    *absent -= taken;
    return part - taken;
}

static struct held held_of(const Waterfall *w, uint64_t absent)
{
    struct held held;

    held.reportable = take(w->reportable, &absent);
    held.trapped = take(w->trapped, &absent);
    held.percpu = take(w->percpu, &absent);
    return held;
}

void view_init(struct view *view, const struct explain_subject *subject)
{
    static const Waterfall no_waterfall = VMRECLAIM__CONTROLLER__V1__WATERFALL__INIT;
    static const HostFacts no_facts = VMRECLAIM__CONTROLLER__V1__HOST_FACTS__INIT;
    const Waterfall *w = subject->vm->waterfall;

    *view = (struct view){
        .vm = subject->vm,
        .name = subject->vm->name,
        .w = w == NULL ? &no_waterfall : w,
        .host = subject->vm->host == NULL ? &no_facts : subject->vm->host,
        .guest = w == NULL || !w->guest_is_known ? NULL : w->guest,
        .info = subject->info,
        .policy = subject->policy,
        .own_limits = subject->own_limits,
        .action = subject->action,
        .time = subject->time,
    };
    view->absent = view->guest == NULL ? 0 : absent_of(view->w);
    view->held = held_of(view->w, view->absent);
    view->worth = max_of(WORTH_MIN, view->w->footprint / 100);
    if (view->info != NULL && view->info->reporting_order_is_known &&
        view->info->reporting_order < 32)
        view->report_block = view->info->page_size << view->info->reporting_order;
}

bool view_has_feature(const struct view *view, const char *name, const char **ret_reason)
{
    for (size_t i = 0; view->info != NULL && i < view->info->n_features; i++) {
        const Vmreclaim__Agent__V1__Feature *feature = view->info->features[i];
        if (strcmp(feature->name, name) != 0 || feature->available)
            continue;
        if (ret_reason != NULL)
            *ret_reason = feature->reason;
        return false;
    }
    return true;
}

bool view_host_is_known(const struct view *view)
{
    return view->w->host_is_known || view->w->footprint != 0;
}

bool view_is_offered(const struct view *view)
{
    const char *reporting = view->vm->reporting;

    return strcmp(reporting, "on") == 0 || strncmp(reporting, "inert: offered", 14) == 0;
}

uint32_t view_huge_order(const struct view *view)
{
    uint32_t order = 0;

    if (view->info == NULL || view->info->page_size == 0)
        return 0;
    while (order < view->info->pageblock_order && order < 32 &&
           view->info->page_size << order < 2 * MIB)
        order++;
    return order;
}

bool view_balloon_meets_huge_pages(const struct view *view)
{
    uint64_t page = view->host->backing_page_size;

    return strcmp(view->host->backing, "hugetlb") == 0 && (page == 0 || page > BALLOON_PAGE_MAX);
}

bool view_takes_commands(const struct view *view)
{
    return view->vm->agent_connected && view->vm->announced &&
           strcmp(view->vm->state, "paused") != 0 && strcmp(view->vm->state, "migrating") != 0 &&
           (view->policy == NULL || view->policy->allow_commands);
}

uint64_t view_free_on_host(const struct view *view)
{
    const Waterfall *w = view->w;
    uint64_t free = w->reported + w->reportable + w->trapped + w->percpu;

    return min_of(
        free, saturating_subtract(w->footprint + w->swapped, w->in_use + w->unmanaged + w->cache));
}

uint64_t view_waits(const struct view *view)
{
    return min_of(saturating_subtract(view->w->reportable, view->w->held_back),
                  view->held.reportable);
}

uint64_t view_never_touched(const struct view *view)
{
    uint64_t touched = view->host->touched;

    return touched == 0 || view->w->vm_ram == 0
               ? 0
               : min_of(view->absent, saturating_subtract(view->w->vm_ram, touched));
}

uint64_t view_excess(const struct view *view)
{
    uint64_t tolerance = tolerance_of(view->w);

    if (!view->w->guest_is_known || view->w->remainder <= 0)
        return 0;
    return (uint64_t)view->w->remainder > tolerance ? (uint64_t)view->w->remainder : 0;
}

uint64_t view_let_go(const ActionResult *guest)
{
    uint64_t most = 0;

    if (guest == NULL)
        return 0;
    if (guest->free_after > guest->free_before)
        most = guest->free_after - guest->free_before;
    if (guest->trapped_before > guest->trapped_after)
        most = max_of(most, guest->trapped_before - guest->trapped_after);
    if (guest->reported_after > guest->reported_before)
        most = max_of(most, guest->reported_after - guest->reported_before);
    return most;
}

struct duration_text duration_text(nsec_t duration)
{
    nsec_t unit = duration < NSEC_PER_SEC          ? NSEC_PER_MSEC
                  : duration < 3600 * NSEC_PER_SEC ? NSEC_PER_SEC
                                                   : 60 * NSEC_PER_SEC;
    struct duration_text text = {""};

    time_format_duration(duration - duration % unit, text.text, sizeof(text.text));
    return text;
}

void finding_set(struct finding *finding, int kind, const char *code, uint64_t bytes,
                 const char *format, ...)
{
    va_list arguments;

    *finding = (struct finding){.kind = kind, .code = code, .bytes = bytes};
    va_start(arguments, format);
    text_format_list(finding->sentence, sizeof(finding->sentence), format, arguments);
    va_end(arguments);
}

void finding_command(struct finding *finding, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    text_format_list(finding->command, sizeof(finding->command), format, arguments);
    va_end(arguments);
}

void finding_add(struct finding *finding, const char *name, uint64_t value, const char *unit)
{
    if (finding->evidence_count == FINDING_EVIDENCE_MAX)
        return;
    finding->evidence[finding->evidence_count++] =
        (struct finding_evidence){name, value > INT64_MAX ? INT64_MAX : (int64_t)value, unit};
}

struct finding *explanation_next(struct explanation *explanation)
{
    if (explanation->count < EXPLANATION_FINDINGS_MAX)
        explanation->count++;
    return &explanation->findings[explanation->count - 1];
}

bool view_reports(const struct view *view)
{
    const char *why;

    return strncmp(view->vm->reporting, "off", 3) != 0 &&
           strncmp(view->vm->reporting, "inert: offered", 14) != 0 &&
           view_has_feature(view, "free-page-reporting", &why);
}
