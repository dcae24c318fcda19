/* The policy that a VM's guest is to run, and how its agent comes to have it. Writes vm->assigned.
 *
 * Theory of operation: an assigned policy is pushed as soon as the agent is announced and has said
 * who it is. It is pushed again when it changed meanwhile, when another agent does not report it,
 * when the clocks of its time zone change, and when the guest's clock and ours do not go together
 * any more: a guest reckons the time of its schedules from what it was sent. One push at a time per
 * VM; each ends in VM_EVENT_POLICY. Where none is assigned, an agent that runs a host's policy is
 * commanded to run its own. The agent of a halted VM gets one that only observes, in the place of
 * its policy.
 *
 * Failure modes: an agent that refuses is asked again after half a minute; until then it runs what
 * it had. An older agent, which knows no such command, keeps its last one. */
#ifndef VMRECLAIM_CONTROLLER_POLICIES_PUSH_H
#define VMRECLAIM_CONTROLLER_POLICIES_PUSH_H

#include "common/policy/policy.h"
#include "controller/vms/supervisor.h"

struct policy_push {
    struct supervisor_listener listener;
};

/* Policies are pushed until supervisor_finish. */
void policy_push_init(struct policy_push *push, struct supervisor *supervisor);

/* Assigns a copy; pushes it when the agent is there. NULL: none is for the VM, its agent is to run
 * its own. -ENOMEM: the VM keeps what it had. */
int policy_assign(struct vm *vm, const struct policy *policy);

/* Whether the VM has it already, or is about to; NULL: none. */
bool policy_is_assigned(const struct vm *vm, const struct policy *policy);

/* Keeps a copy of the policy that the VM's own file names; NULL: it names none. It is for whoever
 * decides what is assigned. -ENOMEM: the VM keeps the one before. */
int policy_keep_file(struct vm *vm, const struct policy *policy);

/* What it is to run changed by being halted, or resumed. Who was given no policy is told nothing.
 */
void policy_push_again(struct vm *vm);

#endif
