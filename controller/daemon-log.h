/* What the daemon says: lines about VMs, and who called what. */
#ifndef VMRECLAIM_CONTROLLER_DAEMON_LOG_H
#define VMRECLAIM_CONTROLLER_DAEMON_LOG_H

#include "controller/api/api.h"
#include "controller/vms/supervisor.h"

/* A listener's on_event. */
void daemon_log_vm_event(const struct vm_event *event, void *userdata);

/* The API's audit; `userdata` is the daemon. */
void daemon_audit(const struct api_call *call, const ProtobufCMessage *request, bool allowed,
                  void *userdata);

#endif
