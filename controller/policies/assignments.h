/* Which policy the store assigns to which VM, by name, label or glob.
 *
 * A VM that comes, or changes its state, gets what is assigned to it; what its own file names holds
 * where nothing is. */
#ifndef VMRECLAIM_POLICIES_ASSIGNMENTS_H
#define VMRECLAIM_POLICIES_ASSIGNMENTS_H

#include "common/base/error.h"
#include "controller/policies/revision.h"
#include "controller/vms/supervisor.h"

struct policy_assignments {
    struct supervisor *supervisor;
    struct store *store;
    struct supervisor_listener listener;
};

/* Until supervisor_finish. */
void policy_assignments_init(struct policy_assignments *assignments, struct supervisor *supervisor,
                             struct store *store);

/* Whether the store assigns a policy to the VM. */
bool policy_is_assigned(const struct policy_assignments *assignments, const struct vm *vm);

/* The selector is for several VMs: a label or a glob. */
bool policy_selector_is_pattern(const char *selector);

/* A policy's text as an operator gives it. */
struct policy_order {
    const char *text;
    const char *source; /* the text's name, for messages */
    const char *author;
    const char *selector; /* whom it is for; "": nobody yet */
};

/* Stores a new revision of `policy` and assigns it; sets its revision. Nothing is pushed yet. */
int policy_order(struct policy_assignments *assignments, struct policy *policy,
                 const struct policy_order *order, struct error *error);

/* Gives every VM that this policy is assigned to its newest revision. Writes their names to
 * `ret_vms`, which has room for all VMs, and returns how many. */
size_t policy_spread(struct policy_assignments *assignments, const char *name, char **ret_vms);

/* Gives every VM what is assigned to it now. As policy_spread, of those that did not run it. */
size_t policy_settle(struct policy_assignments *assignments, char **ret_vms);

#endif
