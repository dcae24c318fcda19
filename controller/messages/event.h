/* An event of a VM as a message for watchers. */
#ifndef VMRECLAIM_CONTROLLER_MESSAGES_EVENT_H
#define VMRECLAIM_CONTROLLER_MESSAGES_EVENT_H

#include "controller/messages/waterfall.h"
#include "controller/vms/supervisor.h"

/* What the message points to besides the event; both live until the message is sent. */
struct event_message {
    Vmreclaim__Controller__V1__Event message;
    Vmreclaim__Controller__V1__Action action;
    struct waterfall_message waterfall;
};

/* Sequence and time are the stream's to set. */
void event_to_message(const struct vm_event *event, struct event_message *ret_message);

#endif
