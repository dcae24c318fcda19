/* Revisions and assignments that an answer keeps. For the store's own files. */
#ifndef VMRECLAIM_CONTROLLER_STORE_POLICY_COPIES_H
#define VMRECLAIM_CONTROLLER_STORE_POLICY_COPIES_H

#include "controller/store/request.h"

struct policy_copies {
    struct store_list revisions;
    struct store_list assignments;
    size_t limit;     /* of both together; 0: none */
    size_t bytes_max; /* of all but one; 0: none */
    size_t bytes;
    bool is_full;
};

/* Bytes of a revision and its texts. */
size_t policy_revision_size(const struct policy_revision *revision);

/* Visitors; `userdata` is the struct policy_copies. -ENOMEM. -ENOBUFS: it is full, and was before
 * this one. */
int policy_copies_add_revision(const struct policy_revision *revision, void *userdata);
int policy_copies_add_assignment(const struct policy_assignment *assignment, void *userdata);

/* Lets the answer point to them. */
void policy_copies_show(const struct policy_copies *copies, struct store_policies *policies);

/* Leaves them empty. */
void policy_copies_finish(struct policy_copies *copies);

#endif
