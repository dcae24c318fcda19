/* Marks of VMs. */
#include "controller/leases/marks.h"

#include <errno.h>

#include "controller/vms/hypervisor.h"

#define TIMEOUT (5 * NSEC_PER_SEC)

static void on_set(const struct driver_result *result, void *userdata)
{
    struct vm *vm = userdata;

    vm_hypervisor_note(vm, result);
    if (result->status == -ECANCELED && vm->leases != NULL)
        leases_set_marked(vm, 0); /* by the next session */
    else if (result->status < 0 && result->status != -ECANCELED)
        vm_warn(vm, "what it had before its leases is not written into it: %s",
                result->error->text);
}

void lease_mark_set(struct vm *vm, uint64_t baseline)
{
    if (vm->hypervisor.ready && vm->hypervisor.silent == 0 &&
        vm->address.driver->start(vm->hypervisor.session, DRIVER_SET_MARK, baseline, TIMEOUT,
                                  on_set, vm) == 0)
        leases_set_marked(vm, baseline);
}

void lease_mark_note(struct vm *vm, uint64_t baseline)
{
    if ((vm->hypervisor.facts.capabilities & DRIVER_CAN_SET_MARK) != 0 &&
        vm->leases->marked != baseline)
        lease_mark_set(vm, baseline);
}
