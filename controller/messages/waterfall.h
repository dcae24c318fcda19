/* A VM's waterfall as a message. */
#ifndef VMRECLAIM_CONTROLLER_MESSAGES_WATERFALL_H
#define VMRECLAIM_CONTROLLER_MESSAGES_WATERFALL_H

#include <stdbool.h>

#include "controller.pb-c.h"
#include "controller/vms/vm.h"

/* What the message points to besides the VM; both live until the message is sent. */
struct waterfall_message {
    Vmreclaim__Controller__V1__Waterfall message;
    Vmreclaim__Agent__V1__MemorySample guest;
    char footprint_source[32];
};

/* `with_guest`: with the guest's whole sample, where there is one. */
void waterfall_to_message(const struct vm *vm, bool with_guest, struct waterfall_message *message);

#endif
