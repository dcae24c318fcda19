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

void record_count(struct recorder *recorder, struct vm *vm,
                  const Vmreclaim__Controller__V1__Action *action)
{
    const struct total_action counted = {
        .kind = total_kind_of(action->kind),
        .outcome = total_outcome_of(action->outcome),
        .asked = action->bytes_asked,
        .freed = view_let_go(action->guest),
        .returned = action->footprint_before == 0 ? 0 : action->host_returned,
    };

    host_totals_add(&recorder->totals, &counted, action->reason_code, action->duration_ns);
    if (vm != NULL && totals_of(vm) != NULL)
        totals_add(vm->totals, &counted);
}
