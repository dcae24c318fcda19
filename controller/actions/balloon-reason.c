/* Reasons of balloon actions. */
#include "controller/actions/balloon-reason.h"

#include <string.h>

#include "controller/actions/judge.h"
#include "controller/explain/view.h"

#define WORTH (16 * MIB)

/* What the balloon did between the samples before and after the action. */
struct taken {
    uint64_t bytes;        /* from the guest */
    uint64_t was_reported; /* of it: the guest had marked it as reported */
};

static struct taken taken_by(const Action *action)
{
    const ActionSample *before =
        judge_sample(action, VMRECLAIM__CONTROLLER__V1__ACTION_PHASE__ACTION_PHASE_BEFORE);
    const ActionSample *after =
        judge_sample(action, VMRECLAIM__CONTROLLER__V1__ACTION_PHASE__ACTION_PHASE_AFTER);
    struct taken taken = {0};

    if (before == NULL || after == NULL)
        return taken;
    taken.bytes = after->balloon - min_of(after->balloon, before->balloon);
    if (before->guest_is_known && after->guest_is_known)
        taken.was_reported = before->reported - min_of(before->reported, after->reported);
    return taken;
}

static bool already_returned(const struct taken *taken, struct finding *finding)
{
    if (taken->was_reported < taken->bytes / 2)
        return false;
    finding_set(finding, KIND_STUCK, "already-returned", taken->was_reported,
                "Of the %s that the balloon took, the guest had returned %s before, by reporting.",
                SIZE(taken->bytes), SIZE(taken->was_reported));
    finding_add(finding, "balloon_taken", taken->bytes, "bytes");
    finding_add(finding, "was_reported", taken->was_reported, "bytes");
    return true;
}

/* The same detectors as for other actions. A balloon takes single pages and needs no reporting, so
 * they are not shown in which pieces memory is free, nor whether the guest reports. */
static bool detected(const struct explain_subject *subject, struct finding *finding)
{
    static const Waterfall no_waterfall = VMRECLAIM__CONTROLLER__V1__WATERFALL__INIT;
    Vmreclaim__Controller__V1__Vm vm = *subject->vm;
    Waterfall waterfall = vm.waterfall == NULL ? no_waterfall : *vm.waterfall;
    struct explain_subject shown = *subject;
    Action action = *subject->action;

    action.host_returned = 0; /* that it was too little is known here */
    shown.action = &action;
    waterfall.reportable = waterfall.held_back = waterfall.trapped = waterfall.percpu = 0;
    waterfall.guest = NULL;
    vm.waterfall = &waterfall;
    vm.reporting = (char *)"";
    shown.vm = &vm;
    shown.info = NULL;
    return explain_action(&shown, finding);
}

/* With the numbers, when no reason fits. */
static void unknown(const Action *action, const struct taken *taken, struct finding *finding)
{
    uint64_t returned = (uint64_t)max_of(action->host_returned, (int64_t)0);

    finding_set(finding, KIND_STUCK, "unknown", taken->bytes,
                "The balloon took %s from the guest and the host got %s; no known cause fits.",
                SIZE(taken->bytes), SIZE(returned));
    finding_add(finding, "balloon_taken", taken->bytes, "bytes");
    finding_add(finding, "host_returned", returned, "bytes");
}

bool balloon_reason_applies(const Action *action)
{
    return strcmp(action->kind, "balloon") == 0 || strcmp(action->kind, "release") == 0 ||
           strcmp(action->kind, "pulse") == 0;
}

bool balloon_reason(const struct explain_subject *subject, struct finding *ret_finding)
{
    const Action *action = subject->action;
    struct taken taken = taken_by(action);

    if (taken.bytes < WORTH || action->host_returned >= (int64_t)(taken.bytes / 2))
        return false;
    if (!already_returned(&taken, ret_finding) && !detected(subject, ret_finding))
        unknown(action, &taken, ret_finding);
    return true;
}
