/* Which policy the store assigns to which VM, by name, label or glob.
 *
 * A VM that comes, or changes its state, gets what is assigned to it. Where nothing is, what its
 * own file names holds. Where that names none, its agent runs its own. An operator's order is
 * stored first, then every VM that it is for gets it. */
#ifndef VMRECLAIM_CONTROLLER_POLICIES_ASSIGNMENTS_H
#define VMRECLAIM_CONTROLLER_POLICIES_ASSIGNMENTS_H

#include "common/base/error.h"
#include "common/policy/policy.h"
#include "controller/policies/rollout.h"
#include "controller/store/requests.h"
#include "controller/store/store.h"
#include "controller/vms/supervisor.h"

struct policy_assignments {
    struct supervisor *supervisor;
    struct store *store;
    struct supervisor_listener listener;
    struct policy_rollouts rollouts;
};

/* Until supervisor_finish. */
void policy_assignments_init(struct policy_assignments *assignments, struct supervisor *supervisor,
                             struct store *store);

/* The VMs' files, their names and labels may be new: every VM gets what is for it now. */
void policy_give_all(struct policy_assignments *assignments);

/* Every VM as selectors see it, for the caller to free; NULL: no memory. */
struct policy_subject *policy_all_subjects(const struct policy_assignments *assignments,
                                           size_t *ret_count);

/* Asks the store what is assigned to every VM there is. */
void policy_ask_all(struct policy_assignments *assignments, store_assigned_done done,
                    void *userdata);

/* ---- orders ---- */

/* What became of an order. Pointers live until the completion returns. */
struct policy_result {
    int status; /* 0, or a negative errno with words in `error` */
    const struct error *error;
    bool selects_none;                      /* of policy_order: the selector means no VM now */
    const struct policy_revision *revision; /* of policy_order and policy_roll_back */
    struct policy_assignment *const *assignments; /* that are no more: one of policy_unassign, */
    size_t assignment_count;                      /* any number of policy_delete, */
    size_t assignments_omitted;                   /* and as many more that did not fit */
    const struct policy_standing *standings;      /* of VMs; see the functions */
    size_t standing_count;
};
typedef void (*policy_done)(const struct policy_result *result, void *userdata);

/* A policy's text as an operator gives it. */
struct policy_order {
    const char *text;
    const char *source; /* the text's name, for messages */
    const char *author;
    const char *selector;       /* whom it is for; "": nobody yet */
    uint64_t made_from;         /* -EBUSY unless this is the newest revision; 0: any is */
    const char *made_from_hash; /* and this is its hash; "": any is */
};

/* The revision that the order makes; points into both. */
struct policy_revision policy_revision_of(const struct policy *policy,
                                          const struct policy_order *order);

/* Stores a new revision of `policy`, which was read from the order's text, and assigns it. Every VM
 * that the policy is assigned to gets it and has a standing. So does a VM that the selector means
 * and that has another policy by a closer assignment. `done` is called once, when their agents have
 * answered, maybe before this returns. */
void policy_order(struct policy_assignments *assignments, const struct policy *policy,
                  const struct policy_order *order, policy_done done, void *userdata);

/* The same with the text of an older revision; 0: the one before the newest. -ENOENT. */
void policy_roll_back(struct policy_assignments *assignments, const char *name, uint64_t revision,
                      const char *author, policy_done done, void *userdata);

/* Takes an assignment away and gives every VM what is assigned to it now; with a standing of those
 * that ran something else. -ENOENT. */
void policy_unassign(struct policy_assignments *assignments, const char *selector, policy_done done,
                     void *userdata);

/* Removes a policy with its history. -EBUSY: it is assigned; not with `unassign`, which takes it
 * away first, with a standing of those that ran it. -ENOENT. */
void policy_delete(struct policy_assignments *assignments, const char *name, bool unassign,
                   policy_done done, void *userdata);

#endif
