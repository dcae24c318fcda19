/* Waiting until a VM's agent has answered to its new policy. */
#ifndef VMRECLAIM_POLICIES_WAITING_H
#define VMRECLAIM_POLICIES_WAITING_H

#include "common/policy/policy.h"
#include "controller/vms/supervisor.h"

enum policy_outcome {
    POLICY_IN_FORCE,
    POLICY_PENDING, /* the agent is away: it is pushed once it is back */
    POLICY_REFUSED,
};

struct policy_waits {
    struct supervisor_listener listener;
    struct list waits; /* struct policy_wait */
};

struct policy_wait;

/* `text` says what the agent said. */
typedef void (*policy_answered)(struct vm *vm, enum policy_outcome outcome, const char *text,
                                void *userdata);

/* Until supervisor_finish. */
void policy_waits_init(struct policy_waits *waits, struct supervisor *supervisor);

/* Assigns the policy. `answered` is called once, later, unless the wait is cancelled. -ENOTCONN:
 * it is assigned and pending, there is no agent to wait for; -ENOMEM. */
int policy_wait_start(struct policy_waits *waits, struct vm *vm, const struct policy *policy,
                      policy_answered answered, void *userdata, struct policy_wait **ret_wait);

void policy_wait_cancel(struct policy_wait *wait);

#endif
