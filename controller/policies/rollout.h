/* What becomes of a policy on each of the VMs that are to run it.
 *
 * Theory of operation: whoever gives VMs a policy adds each of them to a rollout and then begins
 * it. It ends when all of their agents have answered, or are not there to be waited for. An agent
 * that does not answer ends its own wait, when the push gives up. */
#ifndef VMRECLAIM_CONTROLLER_POLICIES_ROLLOUT_H
#define VMRECLAIM_CONTROLLER_POLICIES_ROLLOUT_H

#include "common/policy/policy.h"
#include "controller/vms/supervisor.h"

enum policy_outcome {
    POLICY_WAITING,    /* for its agent's answer; none has this at the end */
    POLICY_IN_FORCE,   /* its agent runs it */
    POLICY_PENDING,    /* its agent gets it once it may be commanded; `reason` says why not yet */
    POLICY_REFUSED,    /* its agent did not take it; tried again later */
    POLICY_OVERRIDDEN, /* another policy holds for it */
};

struct policy_standing {
    struct vm *vm; /* NULL: it went away */
    char name[VM_NAME_SIZE];
    char policy[64]; /* that it is to run; "": its own */
    uint64_t revision;
    char selector[128]; /* by which assignment, maybe cut; "": by none */
    enum policy_outcome outcome;
    bool is_unchanged; /* IN_FORCE before */
    char reason[256];  /* of all but IN_FORCE */
};

struct policy_rollouts {
    struct supervisor_listener listener;
    struct list open; /* struct policy_rollout */
};

struct policy_rollout;

/* The standings live until it returns. */
typedef void (*policy_rolled_out)(const struct policy_standing *standings, size_t count,
                                  void *userdata);

/* Until supervisor_finish. */
void policy_rollouts_init(struct policy_rollouts *rollouts, struct supervisor *supervisor);

/* For at most `room` VMs. NULL: no memory. Ends after policy_rollout_begin, with its callback. */
struct policy_rollout *policy_rollout_create(struct policy_rollouts *rollouts, size_t room);

/* Gives the VM the policy, unless it has it; NULL: none, its agent is to run its own. `selector`:
 * by which assignment; "": by none. */
void policy_rollout_add(struct policy_rollout *rollout, struct vm *vm, const struct policy *policy,
                        const char *selector);

/* The VM is meant and not given anything. */
void policy_rollout_note(struct policy_rollout *rollout, struct vm *vm, enum policy_outcome outcome,
                         const char *reason);

/* `done` runs once, at once where nobody is waited for. */
void policy_rollout_begin(struct policy_rollout *rollout, policy_rolled_out done, void *userdata);

#endif
