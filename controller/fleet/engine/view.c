/* The hosts as they are known. */
#include "controller/fleet/engine/view.h"

#include <stdlib.h>
#include <string.h>

typedef Vmreclaim__Fleet__V1__Applied Applied;
typedef Vmreclaim__Fleet__V1__AppliedPolicy AppliedPolicy;

bool fleet_view_is_whole(const struct fleet_view *view)
{
    return view->all_were_heard || view->now - view->listening >= FLEET_LOST_AFTER;
}

enum fleet_presence fleet_presence(const struct fleet_view *view, const struct fleet_host *host)
{
    if (host->status != NULL && host->heard != 0 && view->now - host->heard < FLEET_LOST_AFTER)
        return FLEET_PRESENT;
    return fleet_view_is_whole(view) ? FLEET_LOST : FLEET_UNKNOWN;
}

static int compare_id(const void *id, const void *host)
{
    return strcmp(id, ((const struct fleet_host *)host)->id);
}

const struct fleet_host *fleet_view_find(const struct fleet_view *view, const char *id)
{
    return view->count == 0
               ? NULL
               : bsearch(id, view->hosts, view->count, sizeof(view->hosts[0]), compare_id);
}

static enum fleet_applied outcome_of(const AppliedPolicy *policy, const char *rollout)
{
    switch (policy->outcome) {
    case VMRECLAIM__FLEET__V1__APPLIED_OUTCOME__APPLIED_PINNED:
        return FLEET_PINNED;
    case VMRECLAIM__FLEET__V1__APPLIED_OUTCOME__APPLIED_IN_FORCE:
        return strcmp(policy->rollout, rollout) == 0 ? FLEET_IN_FORCE : FLEET_NOT_APPLIED;
    default:
        return FLEET_NOT_APPLIED;
    }
}

enum fleet_applied fleet_applied(const struct fleet_host *host, const char *policy,
                                 const char *rollout, const char **ret_reason)
{
    const Applied *applied = host->status == NULL ? NULL : host->status->applied;

    *ret_reason = "";
    if (applied == NULL)
        return FLEET_NOT_APPLIED;
    if (applied->takes_none) {
        *ret_reason = "its operator takes no policies of the fleet";
        return FLEET_PINNED;
    }
    /* Nothing of a desired state that is refused is taken. */
    if (applied->refused[0] != '\0' && applied->refused_generation == host->wanted_generation &&
        host->wanted_generation != 0) {
        *ret_reason = applied->refused;
        return FLEET_REFUSED;
    }
    for (size_t i = 0; i < applied->n_policies; i++)
        if (strcmp(applied->policies[i]->name, policy) == 0) {
            *ret_reason = applied->policies[i]->reason;
            return outcome_of(applied->policies[i], rollout);
        }
    return FLEET_NOT_APPLIED;
}
