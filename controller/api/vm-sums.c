/* Sums of all VMs. */
#include "controller/api/vm-sums.h"

#include "common/base/number.h"
#include "common/base/text.h"
#include "common/ttrpc/slices.h"
#include "controller/api/returning.h"
#include "controller/messages/vm.h"

static void add(struct vm_sums *sums, const struct supervisor *supervisor, const struct vm *vm)
{
    struct vm_message shown;
    struct returns_message returns;

    vm_to_message(supervisor, vm, true, &shown);
    returns_of_vm(vm, &shown, &returns);
    sums->states[vm->life.state]++;
    for (enum return_step step = 0; step < RETURN_STEP_COUNT; step++)
        sums->returns[step] += returns.returns.bytes[step];
}

bool vm_sums_add_slice(struct vm_sums *sums, const struct supervisor *supervisor)
{
    const struct vm_order *order = &supervisor->registry.in_order;
    size_t first = vm_order_after(order, sums->after);
    size_t end = min_of(order->count, first + LOOKS_PER_SLICE);

    for (size_t i = first; i < end; i++)
        add(sums, supervisor, order->vms[i]);
    if (end > first)
        text_copy(sums->after, sizeof(sums->after), order->vms[end - 1]->name);
    return end < order->count;
}
