/* A VM's record as a message. */
#ifndef VMRECLAIM_CONTROLLER_MESSAGES_VM_H
#define VMRECLAIM_CONTROLLER_MESSAGES_VM_H

#include "controller/leases/alarm.h"
#include "controller/messages/waterfall.h"
#include "controller/vms/supervisor.h"

/* What the message points to besides the VM; both live until the message is sent. */
struct vm_message {
    Vmreclaim__Controller__V1__Vm message;
    struct waterfall_message waterfall;
    Vmreclaim__Controller__V1__HostFacts host;
    Vmreclaim__Controller__V1__BalloonStatistics statistics;
    char alarm[ALARM_BYTES];
};

/* `with_guest`: the waterfall has the guest's whole sample, where there is one. */
void vm_to_message(const struct supervisor *supervisor, const struct vm *vm, bool with_guest,
                   struct vm_message *message);

#endif
