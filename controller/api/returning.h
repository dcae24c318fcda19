/* What could come back of a VM, as a message. */
#ifndef VMRECLAIM_CONTROLLER_API_RETURNING_H
#define VMRECLAIM_CONTROLLER_API_RETURNING_H

#include "controller/explain/returns.h"
#include "controller/messages/vm.h"

/* VMs in a slice that looks at each as for an explanation, and on a page of such. */
#define LOOKS_PER_SLICE 256

/* The worst of them, in a list. */
#define RETURNING_OBSTACLES_MAX 4

/* What the message points to; lives until the message is sent. */
struct returns_message {
    Vmreclaim__Controller__V1__Returns message;
    Vmreclaim__Controller__V1__HostStep steps[RETURN_STEP_COUNT];
    Vmreclaim__Controller__V1__HostStep *pointers[RETURN_STEP_COUNT];
    struct returns returns;
    Vmreclaim__Controller__V1__Obstacle obstacles[RETURNING_OBSTACLES_MAX];
    Vmreclaim__Controller__V1__Obstacle *obstacle_pointers[RETURNING_OBSTACLES_MAX];
};

/* `shown` is the VM's message, with the guest's whole sample. */
void returns_of_vm(const struct vm *vm, const struct vm_message *shown,
                   struct returns_message *ret_returns);

/* And why memory does not come back, the largest first. The message has been filled. */
void returns_add_obstacles(const struct vm *vm, const struct vm_message *shown,
                           struct returns_message *returns);

#endif
