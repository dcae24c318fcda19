/* The reasons in their order, and what is said when none fits. */
#include "controller/explain/reason.h"

#include <stdarg.h>
#include <string.h>

#include "common/base/text.h"

static const struct reason_group *const groups[] = {
    &reasons_orders, &reasons_reporting, &reasons_refilled,
    &reasons_cache,  &reasons_free,      &reasons_host,
};

void reason_set(struct finding *finding, uint64_t bytes, const char *format, ...)
{
    va_list arguments;

    *finding = (struct finding){.kind = KIND_STUCK, .bytes = bytes};
    va_start(arguments, format);
    text_format_list(finding->sentence, sizeof(finding->sentence), format, arguments);
    va_end(arguments);
}

bool reason_is_reclaim(const Action *action)
{
    return action != NULL && strcmp(action->kind, "reclaim") == 0;
}

const ActionSample *reason_sample(const Action *action, bool last)
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

static bool reported_but_resident(const struct view *view, struct finding *finding)
{
    uint64_t excess = view_excess(view);

    if (excess == 0)
        return false;
    reason_set(finding, excess,
               "%s is on the host though no part of the guest needs it, and no known cause fits. "
               "The footprint is %s, the guest's parts explain %s.",
               SIZE(excess), SIZE(view->w->footprint), SIZE(view->w->footprint - excess));
    finding_add(finding, "footprint", view->w->footprint, "bytes");
    finding_add(finding, "remainder", excess, "bytes");
    finding_add(finding, "reported", view->w->reported, "bytes");
    return true;
}

/* When no other reason holds; it is in no group. */
static const struct reason unknown_reason = {
    "unknown",
    "none of these; the record has the numbers",
    "guest_freed host_returned footprint remainder reported reportable trapped",
    "'vmreclaim verify ACTION' measures again; a report of it wants 'vmreclaim debug dump'",
    reported_but_resident,
    REASON_OF_EXCESS};

/* The reason at `index`, over all groups; "unknown" is the last. NULL past it. */
static const struct reason *reason_at(size_t index)
{
    for (size_t i = 0; i < ARRAY_SIZE(groups); i++) {
        if (index < groups[i]->count)
            return &groups[i]->list[index];
        index -= groups[i]->count;
    }
    return index == 0 ? &unknown_reason : NULL;
}

static bool holds(const struct reason *reason, const struct view *view, struct finding *finding)
{
    if (!reason->detect(view, finding))
        return false;
    finding->code = reason->code;
    return true;
}

const char *explain_reason_code(size_t index)
{
    const struct reason *reason = reason_at(index);

    return reason == NULL ? NULL : reason->code;
}

const char *explain_reason_meaning(size_t index)
{
    const struct reason *reason = reason_at(index);

    return reason == NULL ? NULL : reason->meaning;
}

const char *explain_reason_evidence(size_t index)
{
    const struct reason *reason = reason_at(index);

    return reason == NULL ? NULL : reason->evidence;
}

const char *explain_reason_cure(size_t index)
{
    const struct reason *reason = reason_at(index);

    return reason == NULL ? NULL : reason->cure;
}

bool explain_comes_back(const struct view *view)
{
    const struct reason *reason;
    struct finding finding;

    for (size_t i = 0; (reason = reason_at(i)) != NULL; i++)
        if ((reason->flags & REASON_OF_REPORTING) != 0 && reason->detect(view, &finding))
            return false;
    return true;
}

void explain_reasons(const struct view *view, struct explanation *explanation)
{
    const struct reason *reason;
    bool is_claimed = false;

    for (size_t i = 0; (reason = reason_at(i)) != NULL; i++) {
        bool is_of_excess = (reason->flags & REASON_OF_EXCESS) != 0;
        struct finding finding;

        if ((is_claimed && is_of_excess) || !holds(reason, view, &finding))
            continue;
        is_claimed = is_claimed || is_of_excess;
        *explanation_next(explanation) = finding;
    }
}

/* With the numbers, when no reason fits. */
static void set_unknown(const struct view *view, struct finding *finding, uint64_t freed)
{
    const Action *action = view->action;
    int64_t returned = max_of(action->host_returned, (int64_t)0);

    reason_set(finding, freed, "The guest let %s go and the host got %s; no known cause fits.",
               SIZE(freed), SIZE((uint64_t)returned));
    finding_add(finding, "guest_freed", freed, "bytes");
    finding_add(finding, "host_returned", (uint64_t)returned, "bytes");
    if (view->w->reported_is_known)
        finding_add(finding, "reported", view->w->reported, "bytes");
    if (view->guest == NULL)
        return;
    finding_add(finding, "reportable", view->w->reportable, "bytes");
    finding_add(finding, "trapped", view->w->trapped, "bytes");
}

bool explain_action_reason(const struct view *view, struct finding *finding)
{
    uint64_t freed = view_let_go(view->action->guest);
    int64_t returned = view->action->host_returned;
    bool is_about_cache = reason_is_reclaim(view->action) && freed < view->worth;
    const struct reason *reason;

    if (returned > 0 && (uint64_t)returned >= max_of(freed / 2, view->worth))
        return false;
    for (size_t i = 0; (reason = reason_at(i)) != &unknown_reason; i++) {
        if (is_about_cache && (reason->flags & REASON_OF_CACHE) == 0)
            continue;
        if (holds(reason, view, finding))
            return true;
    }
    if (freed < view->worth)
        return false;
    set_unknown(view, finding, freed);
    finding->code = unknown_reason.code;
    return true;
}
