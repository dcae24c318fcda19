/* Records compared with now. */
#include "controller/records/again.h"

#include <errno.h>
#include <unistd.h>

#include "controller/actions/judge.h"
#include "controller/vms/hypervisor.h"

#define ALLOWANCE (2 * (int64_t)NSEC_PER_SEC) /* between two clocks */

typedef Vmreclaim__Controller__V1__Action Action;

/* Whether the VM's hypervisor is the one that the action was measured on. */
bool record_is_comparable(const struct vm *vm, const Action *action)
{
    nsec_t tick = NSEC_PER_SEC / (nsec_t)sysconf(_SC_CLK_TCK);
    int64_t age = time_realtime() - action->started_ns;

    return action->footprint_before != 0 && hypervisor_process_is_open(&vm->measured.process) &&
           (int64_t)(vm->measured.process.start_time * tick) <=
               (int64_t)time_boottime() - age + ALLOWANCE;
}

int record_measure_again(struct vm *vm, const Action *action, int64_t *ret_returned)
{
    if (!action->finished || !record_is_comparable(vm, action) || vm_measure_exactly(vm) < 0)
        return -ENODATA;
    *ret_returned = judge_returned(action, vm->measured.waterfall.footprint);
    return 0;
}
