/* Where the host has it. */
#include "controller/explain/reason.h"

static bool host_swap(const struct view *view, struct finding *finding)
{
    if (view->w->swapped < view->worth)
        return false;
    reason_set(finding, view->w->swapped,
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
        reason_set(finding, view->w->balloon,
                   "Someone else moves this VM's balloon (%.64s); vmreclaim leaves it alone.",
                   view->host->foreign_balloon_owner);
    else if (taken >= view->worth)
        reason_set(finding, taken,
                   "%s is in the balloon and under none of vmreclaim's leases: someone else took "
                   "it, and vmreclaim leaves it there.",
                   SIZE(taken));
    else
        return false;
    finding_add(finding, "balloon", view->w->balloon, "bytes");
    finding_add(finding, "baseline", view->vm->balloon_baseline, "bytes");
    return true;
}

static const struct reason list[] = {
    {"host-swap", "in the host's swap instead of its memory", host_swap, 0},
    {"foreign-balloon", "somebody else moves the balloon, or has memory in it that no lease is for",
     foreign_balloon, 0},
};

const struct reason_group reasons_host = {list, ARRAY_SIZE(list)};
