/* What keeps an action from being taken up. */
#include "controller/explain/reason.h"

#include <string.h>

#include "common/base/text.h"

enum { OUTCOME_BUSY = VMRECLAIM__AGENT__V1__OUTCOME__OUTCOME_STOPPED_BUSY };

/* Nothing is under way: whether orders would be taken at all. */
static bool orders_are_forbidden(const struct view *view, struct finding *finding)
{
    if (view->guest == NULL || view->policy == NULL || view->policy->allow_commands)
        return false;
    reason_set(finding, 0,
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
    reason_set(finding, 0,
               "The guest's policy or its own configuration (agent.conf) forbids this action; its "
               "owner can allow it.");
    finding_command(finding, "vmreclaim policy show --effective %s", view->name);
    return true;
}

static bool guest_lacks(const struct view *view, struct finding *finding)
{
    const Action *action = view->action;

    if (action == NULL || action->guest == NULL ||
        action->guest->outcome != VMRECLAIM__AGENT__V1__OUTCOME__OUTCOME_NOT_SUPPORTED)
        return false;
    reason_set(finding, 0, "The guest's kernel cannot do this: %s.",
               TEXT_CUT(action->guest->reason, 200));
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
        reason_set(finding, view->w->cache + view->w->trapped,
                   "The guest was so busy that the action, which only takes idle CPU time, got "
                   "%llu ms of it in %llu s.",
                   (unsigned long long)(guest->cpu_ns / NSEC_PER_MSEC),
                   (unsigned long long)(guest->duration_ns / NSEC_PER_SEC));
    else if (stopped)
        reason_set(finding, view->w->cache + view->w->trapped, "The action was stopped: %s.",
                   TEXT_CUT(guest->reason, 160));
    else
        reason_set(finding, view->w->cache + view->w->trapped,
                   "Its policy takes nothing from the guest for now: %s.",
                   TEXT_CUT(view->vm->engine_reason, 160));
    finding_add(finding, "cache", view->w->cache, "bytes");
    finding_add(finding, "trapped", view->w->trapped, "bytes");
    return true;
}

static const struct reason list[] = {
    {"policy-forbids", "the guest's policy or configuration forbids the action", NULL,
     "allow_commands = true in the guest's agent.conf, where its owner wants that; 'vmreclaim "
     "policy show --effective VM' says what the guest allows",
     policy_forbids, REASON_OF_CACHE},
    {"not-supported", "the guest's kernel cannot do it", NULL,
     "'vmreclaim-agent --doctor' in the guest says what its kernel lacks, and what to do",
     guest_lacks, REASON_OF_CACHE},
    {"guest-busy", "nothing is taken from a guest that works", "cache trapped",
     "wait: its policy acts when the guest is calm. A window with 'do: force' in the policy does "
     "not wait",
     guest_busy, REASON_OF_CACHE},
};

const struct reason_group reasons_orders = {list, ARRAY_SIZE(list)};
