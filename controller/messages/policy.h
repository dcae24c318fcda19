/* Policies as messages: revisions, assignments, and what a VM really runs. */
#ifndef VMRECLAIM_CONTROLLER_MESSAGES_POLICY_H
#define VMRECLAIM_CONTROLLER_MESSAGES_POLICY_H

#include "controller.pb-c.h"
#include "controller/store/store.h"
#include "controller/vms/vm.h"

/* The messages point to what they are made of. */
void policy_revision_to_message(const struct policy_revision *revision,
                                Vmreclaim__Controller__V1__PolicyRevision *ret_message);
void policy_assignment_to_message(const struct policy_assignment *assignment,
                                  Vmreclaim__Controller__V1__PolicyAssignment *ret_message);

enum { EFFECTIVE_KEYS_MAX = 64, EFFECTIVE_VALUE_SIZE = 64 };

/* What the message points to besides the VM; both live until the message is sent. */
struct effective_policy_message {
    Vmreclaim__Controller__V1__GetEffectivePolicyResponse message;
    Vmreclaim__Controller__V1__EffectiveSetting settings[EFFECTIVE_KEYS_MAX];
    Vmreclaim__Controller__V1__EffectiveSetting *setting_pointers[EFFECTIVE_KEYS_MAX];
    char values[EFFECTIVE_KEYS_MAX][EFFECTIVE_VALUE_SIZE];
    Vmreclaim__Controller__V1__EffectiveSchedule schedules[POLICY_SCHEDULES_MAX];
    Vmreclaim__Controller__V1__EffectiveSchedule *schedule_pointers[POLICY_SCHEDULES_MAX];
    char *unsupported[EFFECTIVE_KEYS_MAX];
};

/* What was sent to the agent and what it answered: every value with where it comes from, of which
 * `why` knows more kinds. The VM has a policy. */
void effective_policy_to_message(const struct vm *vm, bool why,
                                 struct effective_policy_message *ret_message);

/* What the guest of a VM without a policy runs by itself, as its agent said; NULL: it is away. The
 * message points into `info`. */
void own_policy_to_message(const struct vm *vm, const Vmreclaim__Agent__V1__GetInfoResponse *info,
                           struct effective_policy_message *ret_message);

#endif
