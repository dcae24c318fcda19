/* Sums over records. Writes vm->totals. */
#include "controller/records/counts.h"

#include <stdlib.h>

#include "controller/explain/view.h"

static struct totals *totals_of(struct vm *vm)
{
    if (vm->totals == NULL)
        vm->totals = calloc(1, sizeof(*vm->totals));
    return vm->totals;
}

/* The guest's agent or the hypervisor would not do it, or could not. Not so of what was cut short
 * because the guest is busy, is short of memory, or has no time left: that is how a policy works.
 */
static bool is_declined(const Vmreclaim__Controller__V1__Action *action, enum total_outcome outcome)
{
    if (outcome == TOTAL_FAILED || action->guest == NULL)
        return outcome == TOTAL_FAILED;
    return action->guest->outcome == VMRECLAIM__AGENT__V1__OUTCOME__OUTCOME_NOT_SUPPORTED ||
           action->guest->outcome == VMRECLAIM__AGENT__V1__OUTCOME__OUTCOME_FORBIDDEN_BY_POLICY ||
           action->guest->outcome == VMRECLAIM__AGENT__V1__OUTCOME__OUTCOME_FAILED;
}

void record_count(struct recorder *recorder, struct vm *vm,
                  const Vmreclaim__Controller__V1__Action *action)
{
    const struct total_action counted = {
        .kind = total_kind_of(action->kind),
        .outcome = total_outcome_of(action->outcome),
        .asked = action->bytes_asked,
        .freed = view_let_go(action->guest),
        .returned = action->footprint_before == 0 ? 0 : action->host_returned,
        .is_declined = is_declined(action, total_outcome_of(action->outcome)),
    };

    host_totals_add(&recorder->totals, &counted, action->reason_code, action->duration_ns);
    if (vm != NULL && totals_of(vm) != NULL)
        totals_add(vm->totals, &counted);
}
