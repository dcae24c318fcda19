/* A policy to and from the wire's vmreclaim.policy.v1.Policy. */
#ifndef VMRECLAIM_COMMON_POLICY_POLICY_MESSAGE_H
#define VMRECLAIM_COMMON_POLICY_POLICY_MESSAGE_H

#include <stddef.h>

#include "common/policy/policy.h"
#include "policy.pb-c.h"

#define POLICY_UNSUPPORTED_MAX 64

/* Keys of a message that this version does not know; they point into the message. More than fit are
 * counted in `omitted`. */
struct policy_unsupported {
    const char *keys[POLICY_UNSUPPORTED_MAX];
    size_t count;
    size_t omitted;
};

/* A message with every key; for policy_message_destroy(). NULL: out of memory. */
Vmreclaim__Policy__V1__Policy *policy_message_create(const struct policy *policy);
void policy_message_destroy(Vmreclaim__Policy__V1__Policy *message);

/* Checked throughout. A key that this version does not know is named in `ret_unsupported`. So is an
 * unknown profile, as "profile"; the settings are complete then. A value that does not fit its key
 * refuses the whole policy: -EINVAL, -ERANGE. */
int policy_from_message(const Vmreclaim__Policy__V1__Policy *message, struct policy *ret_policy,
                        struct policy_unsupported *ret_unsupported, struct error *error);

#endif
