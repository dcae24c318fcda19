/* What a person can do now, with the command to type. Only what promises enough is offered. Nothing
 * is offered that would be refused, or whose gain a later step on the way to the host would hold
 * back. */
#include "common/base/number.h"
#include "controller/explain/view.h"

#include <string.h>

#include "controller/explain/gains.h"

static void advise_reclaim(const struct view *view, const struct gains *gains,
                           struct explanation *explanation)
{
    struct finding *finding;

    if (gains->cache < view->worth)
        return;
    finding = explanation_next(explanation);
    finding_set(finding, KIND_CAN_DO, "can-reclaim", gains->cache,
                "Take cold file cache: up to %s, down to the %s that the policy leaves.",
                SIZE(gains->cache), SIZE(gains->cache_floor));
    finding_command(finding, "vmreclaim reclaim %s", view->name);
}

/* Too little for its policy is declined, unless it is forced. */
static bool is_declined(const struct view *view)
{
    return view->policy != NULL && view->w->trapped < view->policy->compact_min_gain;
}

static void advise_compact(const struct view *view, const struct gains *gains,
                           struct explanation *explanation)
{
    struct finding *finding;

    if (gains->trapped < view->worth || is_declined(view))
        return;
    finding = explanation_next(explanation);
    finding_set(finding, KIND_CAN_DO, "can-compact", gains->trapped,
                "Join free memory so that it can be reported: up to %s is trapped.",
                SIZE(gains->trapped));
    finding_command(finding, "vmreclaim compact %s", view->name);
}

static void advise_order(const struct view *view, const struct gains *gains,
                         struct explanation *explanation)
{
    struct finding *finding;

    if (gains->small < view->worth)
        return;
    finding = explanation_next(explanation);
    finding_set(finding, KIND_CAN_DO, "can-lower-order", gains->small,
                "Report smaller blocks (order %u instead of %u): returns what compaction leaves, "
                "for some CPU of the guest.",
                gains->lowest, gains->order);
    finding_command(finding, "vmreclaim reporting %s --order %u --kick", view->name, gains->lowest);
}

static void advise_kick(const struct view *view, const struct gains *gains,
                        struct explanation *explanation)
{
    struct finding *finding;

    if (gains->waiting < view->worth)
        return;
    finding = explanation_next(explanation);
    finding_set(finding, KIND_CAN_DO, "can-kick", gains->waiting,
                "Start a reporting pass: %s is free and waits for one.", SIZE(gains->waiting));
    finding_command(finding, "vmreclaim reporting %s --kick", view->name);
}

/* Where nothing comes back by itself, the balloon still takes it, free memory and cache alike. */
static void advise_balloon(const struct view *view, const struct gains *gains,
                           struct explanation *explanation)
{
    struct finding *finding;

    if (gains->size == 0 || gains->size + view->worth >= view->w->footprint)
        return;
    finding = explanation_next(explanation);
    finding_set(
        finding, KIND_CAN_DO, "can-balloon", gains->balloon,
        "Take memory with the balloon: %s leaves the guest what it uses and a reserve of %s.",
        SIZE(gains->size), SIZE(gains->reserve));
    finding_command(finding, "vmreclaim balloon %s %lluMiB --for 1h", view->name,
                    (unsigned long long)(gains->size / MIB));
}

/* What every command would be refused for. False: nothing. */
static bool advise_first(const struct view *view, struct explanation *explanation)
{
    const char *state = view->vm->state;

    if (strcmp(state, "paused") == 0 || strcmp(state, "migrating") == 0)
        finding_set(explanation_next(explanation), KIND_CAN_DO, "can-wait", 0,
                    "Nothing before the VM runs again: it is %s.", state);
    else if (!view->vm->announced)
        finding_set(explanation_next(explanation), KIND_CAN_DO, "can-announce", 0,
                    "Nothing before a hypervisor vouches for CID %u: give the VM a file with its "
                    "'hypervisor' address.",
                    view->vm->cid);
    else
        return false;
    return true;
}

void explain_advice(const struct view *view, struct explanation *explanation)
{
    struct gains gains;

    if (view->guest == NULL)
        explain_agentless_advice(view, explanation);
    if (view->guest == NULL || advise_first(view, explanation))
        return;
    view_gains(view, &gains);
    if (!gains.comes_back) {
        advise_balloon(view, &gains, explanation);
        return;
    }
    if (!gains.takes_commands)
        return;
    advise_reclaim(view, &gains, explanation);
    advise_compact(view, &gains, explanation);
    advise_order(view, &gains, explanation);
    advise_kick(view, &gains, explanation);
}
