/* What could come back of a VM, as a message. */
#ifndef VMRECLAIM_CONTROLLER_API_RETURNING_H
#define VMRECLAIM_CONTROLLER_API_RETURNING_H

#include "controller/explain/returns.h"
#include "controller/messages/vm.h"

/* What the message points to; lives until the message is sent. */
struct returns_message {
    Vmreclaim__Controller__V1__Returns message;
    Vmreclaim__Controller__V1__HostStep steps[RETURN_STEP_COUNT];
    Vmreclaim__Controller__V1__HostStep *pointers[RETURN_STEP_COUNT];
    struct returns returns;
};

/* `shown` is the VM's message, with the guest's whole sample. */
void returns_of_vm(const struct vm *vm, const struct vm_message *shown,
                   struct returns_message *ret_returns);

#endif
