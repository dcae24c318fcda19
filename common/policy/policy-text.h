/* A policy as "key = value" lines: agent.conf, and the last policy that a guest keeps on disk. */
#ifndef VMRECLAIM_COMMON_POLICY_POLICY_TEXT_H
#define VMRECLAIM_COMMON_POLICY_POLICY_TEXT_H

#include <stddef.h>

#include "common/policy/policy.h"

#define POLICY_TEXT_MAX 8192 /* bytes; every policy fits */

/* Everything of the policy, with comments giving each key's help; '\0' at the end. Returns its
 * length; `size` >= POLICY_TEXT_MAX always fits. */
size_t policy_write_text(const struct policy *policy, char *buffer, size_t size);

/* Reads such lines. Blank lines and lines that begin with '#' are skipped; what is absent has the
 * profile's value (balanced where none is named). `schedule = CRON; FOR; DO; ZONE; OFFSET`, the
 * last two optional. Checked with policy_check(). Errors begin "SOURCE:LINE: ". */
int policy_read_text(const char *text, const char *source_name, struct policy *ret_policy,
                     struct error *error);

#endif
