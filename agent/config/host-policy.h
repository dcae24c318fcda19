/* The policy that a host sent, made a struct policy and held within what the guest's owner allows.
 * It is kept in the state directory, so that it stays in force while no controller is there. */
#ifndef VMRECLAIM_AGENT_CONFIG_HOST_POLICY_H
#define VMRECLAIM_AGENT_CONFIG_HOST_POLICY_H

#include "agent/config/configuration.h"
#include "policy.pb-c.h"

#define HOST_POLICY_KEYS_MAX 16 /* unsupported keys that are remembered */
#define HOST_POLICY_KEY_SIZE 40

/* A policy as this agent can run it. */
struct host_policy {
    struct policy policy;
    /* keys that this agent does not know; cut where too many or too long */
    char unsupported[HOST_POLICY_KEYS_MAX][HOST_POLICY_KEY_SIZE];
    size_t unsupported_count;
    policy_key_set capped; /* keys that were brought to the owner's limit */
};

/* -EINVAL, -ERANGE: a known key with a bad value, a profile this agent does not know; `error` names
 * it. */
int host_policy_accept(const Vmreclaim__Policy__V1__Policy *message,
                       const struct configuration *configuration, struct host_policy *ret_policy,
                       struct error *error);

/* Keeps the message, atomically. -EROFS without a state directory (-1), -errno. */
int host_policy_store(int state_directory, const Vmreclaim__Policy__V1__Policy *message);

/* Keeps none any more; none was kept is fine. -EROFS, -errno. */
int host_policy_forget(int state_directory);

/* The policy kept earlier, accepted again under the present configuration. -ENOENT: none; other
 * errors with `error`: unreadable, and better ignored. */
int host_policy_load(int state_directory, const struct configuration *configuration,
                     struct host_policy *ret_policy, struct error *error);

/* What the guest runs when no host's policy is for it, for a host to see; NULL: out of memory. For
 * own_policy_destroy, which takes NULL. */
Vmreclaim__Policy__V1__Policy *own_policy_create(const struct configuration *configuration);
void own_policy_destroy(Vmreclaim__Policy__V1__Policy *message);

#endif
