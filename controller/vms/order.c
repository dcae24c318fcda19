/* A sorted array: VMs come and go rarely beside how often they are listed. */
#include "controller/vms/order.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

size_t vm_order_after(const struct vm_order *order, const char *name)
{
    size_t low = 0;
    size_t high = order->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (strcmp(order->vms[middle]->name, name) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static int grow(struct vm_order *order)
{
    size_t size = max_of(order->size * 2, (size_t)64);
    struct vm **vms = realloc((void *)order->vms, size * sizeof(struct vm *));

    if (vms == NULL)
        return -ENOMEM;
    order->vms = vms;
    order->size = size;
    return 0;
}

int vm_order_add(struct vm_order *order, struct vm *vm)
{
    size_t at;

    if (order->count == order->size && grow(order) < 0)
        return -ENOMEM;
    at = vm_order_after(order, vm->name);
    memmove((void *)&order->vms[at + 1], (void *)&order->vms[at],
            (order->count - at) * sizeof(struct vm *));
    order->vms[at] = vm;
    order->count++;
    return 0;
}

void vm_order_remove(struct vm_order *order, const struct vm *vm)
{
    size_t after = vm_order_after(order, vm->name);

    assert(after > 0 && order->vms[after - 1] == vm);
    memmove((void *)&order->vms[after - 1], (void *)&order->vms[after],
            (order->count - after) * sizeof(struct vm *));
    order->count--;
}

void vm_order_finish(struct vm_order *order)
{
    assert(order->count == 0);
    free((void *)order->vms);
    *order = (struct vm_order){0};
}
