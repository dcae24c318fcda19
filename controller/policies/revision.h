/* A policy as somebody wrote it: text that has a name and a hash, kept by the store in numbered
 * revisions. */
#ifndef VMRECLAIM_CONTROLLER_POLICIES_REVISION_H
#define VMRECLAIM_CONTROLLER_POLICIES_REVISION_H

#include "common/base/error.h"
#include "common/policy/policy.h"
#include "controller/store/store.h"

/* Reads a policy's text. Without a name in it, it is called as `source`: "web" for
 * "/etc/x/web.yaml". -EINVAL with source and line in `error`. */
int policy_revision_read(const char *text, const char *source, struct policy *ret_policy,
                         struct error *error);

/* The policy of a revision of the store, which has its text. */
int policy_revision_load(const struct policy_revision *revision, struct policy *ret_policy,
                         struct error *error);

#endif
