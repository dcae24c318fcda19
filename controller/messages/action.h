/* Actions and what is measured around them, as messages. */
#ifndef VMRECLAIM_CONTROLLER_MESSAGES_ACTION_H
#define VMRECLAIM_CONTROLLER_MESSAGES_ACTION_H

#include "controller.pb-c.h"
#include "controller/vms/vm.h"

/* Action.kind of what a guest did by itself: "reclaim", "compact", "reporting"; "unknown" from an
 * agent of a later version. */
const char *guest_action_kind_name(Vmreclaim__Agent__V1__ActionKind kind);

/* An action of the guest's own policy that has just ended: the guest's word, not yet measured here.
 * The message points into the VM and the result. */
void guest_action_to_message(const struct vm *vm, const Vmreclaim__Agent__V1__ActionResult *result,
                             Vmreclaim__Controller__V1__Action *message);

/* What the VM measures now; `phase` is an ActionPhase. */
void action_sample_to_message(const struct vm *vm, int phase,
                              Vmreclaim__Controller__V1__ActionSample *message);

#endif
