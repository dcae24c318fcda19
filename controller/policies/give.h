/* Giving VMs what the store assigns to them. For the folder's own files. */
#ifndef VMRECLAIM_CONTROLLER_POLICIES_GIVE_H
#define VMRECLAIM_CONTROLLER_POLICIES_GIVE_H

#include "controller/store/requests.h"
#include "controller/vms/registry.h"

/* The VM as selectors see it; points into its record. */
struct policy_subject policy_subject_of(const struct vm *vm);

/* One walk over an answer: a policy's text is read once for all VMs that come after each other. */
struct policy_giving {
    const struct registry *registry;
    const struct policy_revision *read; /* NULL: none yet */
    bool is_readable;
    struct policy policy;
};

/* The policy of a revision; NULL: its text cannot be read. */
const struct policy *policy_giving_read(struct policy_giving *giving,
                                        const struct policy_revision *revision);

/* Whether the VM runs, or is about to run, this revision. */
bool policy_is_given(const struct vm *vm, const struct policy_revision *revision);

/* The VM is one of those that `selector` means. */
bool policy_means(const char *selector, const struct vm *vm);

/* Whom an order of `policy` for `selector` (NULL: for nobody more) concerns. */
enum policy_fate {
    POLICY_NOT_MEANT,
    POLICY_MEANT,
    POLICY_MEANT_ELSEWHERE, /* it is, and `found` is assigned to it by a closer assignment */
};
enum policy_fate policy_fate_of(const char *policy, const char *selector, const struct vm *vm,
                                const struct policy_revision *found);

/* Why POLICY_MEANT_ELSEWHERE. */
void policy_say_overridden(const struct vm *vm, const struct policy_revision *found, char *text,
                           size_t size);

/* Gives the VM of that subject what is assigned to it; else what its own file names; else nothing,
 * and its agent runs its own. The VM; NULL: it is gone, has that already, or what is assigned to it
 * cannot be read. */
struct vm *policy_give(struct policy_giving *giving, const struct store_assigned *assigned,
                       size_t index);

#endif
