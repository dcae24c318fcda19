/* What an order of a policy would do, by the store's own answer to it: nothing is done. */
#ifndef VMRECLAIM_CONTROLLER_POLICIES_TRIAL_H
#define VMRECLAIM_CONTROLLER_POLICIES_TRIAL_H

#include "controller/policies/assignments.h"

enum policy_trial_outcome {
    POLICY_TRIAL_GIVEN,      /* its agent would be given it now */
    POLICY_TRIAL_UNCHANGED,  /* it has exactly that */
    POLICY_TRIAL_LATER,      /* once its agent may be commanded */
    POLICY_TRIAL_OVERRIDDEN, /* another policy holds for it */
    POLICY_TRIAL_OUTCOME_COUNT,
};

struct policy_trial_vm {
    const struct vm *vm;
    enum policy_trial_outcome outcome;
    char reason[256]; /* of LATER and OVERRIDDEN */
};

/* Pointers live until the completion returns. */
struct policy_trial {
    int status; /* 0, or what policy_order would fail with, with words in `error` */
    const struct error *error;
    const char *name;
    uint64_t revision; /* that it would be */
    bool selects_none; /* the selector means no VM now */
    const struct policy_trial_vm *vms;
    size_t count;
};
typedef void (*policy_trial_done)(const struct policy_trial *trial, void *userdata);

/* `done` is called once, maybe before this returns. */
void policy_try(struct policy_assignments *assignments, const struct policy *policy,
                const struct policy_order *asked, policy_trial_done done, void *userdata);

/* "given", "unchanged", "later", "overridden": as in the API. */
const char *policy_trial_outcome_name(enum policy_trial_outcome outcome);

#endif
