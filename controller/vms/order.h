/* VMs in the order of their names. */
#ifndef VMRECLAIM_CONTROLLER_VMS_ORDER_H
#define VMRECLAIM_CONTROLLER_VMS_ORDER_H

#include "controller/vms/vm.h"

struct vm_order {
    struct vm **vms;
    size_t count;
    size_t size;
};

/* -ENOMEM. A VM that is taken out can be put in again without memory. */
int vm_order_add(struct vm_order *order, struct vm *vm);
/* Before its name changes. */
void vm_order_remove(struct vm_order *order, const struct vm *vm);
void vm_order_finish(struct vm_order *order);

/* The index of the first one whose name comes after `name`; `count`: there is none. */
size_t vm_order_after(const struct vm_order *order, const char *name);

#endif
