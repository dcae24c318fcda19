/* Records compared with now. */
#include "controller/records/again.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "common/base/number.h"
#include "controller/actions/judge.h"
#include "controller/vms/hypervisor.h"

#define ALLOWANCE (2 * NSEC_PER_SEC) /* between two clocks */

typedef Vmreclaim__Controller__V1__Action Action;

/* Of a record of before, which does not name its process. */
static bool is_older_than(const struct hypervisor_process *process, const Action *action)
{
    nsec_t tick = NSEC_PER_SEC / (nsec_t)sysconf(_SC_CLK_TCK);
    nsec_t age = time_realtime_between(action->started_ns, time_realtime());

    return process->start_time * tick <=
           time_after(saturating_subtract(time_boottime(), age), ALLOWANCE);
}

static bool is_same_process(const struct vm *vm, const Action *action)
{
    const struct hypervisor_process *process = &vm->measured.process;

    if (!hypervisor_process_is_open(process))
        return false;
    if (action->hypervisor_pid == 0)
        return is_older_than(process, action);
    return record_is_of_this_boot(vm->supervisor, action) &&
           process->pid == action->hypervisor_pid &&
           process->start_time == action->hypervisor_start_time;
}

bool record_is_of_this_boot(const struct supervisor *supervisor, const Action *action)
{
    return supervisor->host_boot_id[0] == '\0' || action->host_boot_id[0] == '\0' ||
           strcmp(supervisor->host_boot_id, action->host_boot_id) == 0;
}

bool record_is_comparable(const struct vm *vm, const Action *action)
{
    return action->footprint_before != 0 && is_same_process(vm, action);
}

struct vm *record_find_vm(const struct supervisor *supervisor, const Action *action)
{
    struct vm *named = registry_find_name(&supervisor->registry, action->vm);

    if (named != NULL && record_is_comparable(named, action))
        return named;
    list_for_each (link, &supervisor->registry.vms) {
        struct vm *vm = list_entry(link, struct vm, link);

        if (action->hypervisor_pid != 0 && record_is_comparable(vm, action))
            return vm;
    }
    return NULL;
}

int record_measure_again(struct vm *vm, const Action *action, int64_t *ret_returned)
{
    if (!action->finished || !record_is_comparable(vm, action) || vm_measure_exactly(vm) < 0)
        return -ENODATA;
    *ret_returned = judge_returned(action, vm->measured.waterfall.footprint);
    return 0;
}
