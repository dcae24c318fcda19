/* The policy that a VM's guest is to run, and how its agent comes to have it. Writes vm->assigned.
 *
 * Theory of operation: an assigned policy is pushed as soon as the agent is announced and has said
 * who it is, again when it changed meanwhile, when the agent is another one that does not say that
 * it has it, and when the clocks of a zone in it change. One push at a time per VM; each ends in
 * VM_EVENT_POLICY.
 *
 * Failure modes: an agent that refuses is asked again after half a minute; until then it runs what
 * it had. */
#ifndef VMRECLAIM_CONTROLLER_POLICIES_PUSH_H
#define VMRECLAIM_CONTROLLER_POLICIES_PUSH_H

#include "common/policy/policy.h"
#include "controller/vms/supervisor.h"

struct policy_push {
    struct supervisor_listener listener;
};

/* Policies are pushed until supervisor_finish. */
void policy_push_init(struct policy_push *push, struct supervisor *supervisor);

/* Assigns a copy; pushes it when the agent is there. -ENOMEM: the VM keeps what it had. */
int policy_assign(struct vm *vm, const struct policy *policy);

/* The same with a policy file of the VM, whose text has this hash. */
int policy_assign_file(struct vm *vm, const struct policy *policy, uint64_t hash);

#endif
