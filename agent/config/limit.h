/* The guest's owner has the last word: a host's policy may be gentler than what the owner set,
 * never more intrusive. */
#ifndef VMRECLAIM_AGENT_CONFIG_LIMIT_H
#define VMRECLAIM_AGENT_CONFIG_LIMIT_H

#include <stdbool.h>

#include "common/policy/policy.h"

/* Brings the key of `policy` to the value in `limit` where that is the gentler one. True: it was
 * changed. */
bool policy_limit_key(struct policy *policy, const struct policy *limit, const char *key);

#endif
