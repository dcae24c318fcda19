/* Policy files. In a library of its own: the guest's agent does not link libyaml. */
#ifndef VMRECLAIM_COMMON_POLICY_POLICY_YAML_H
#define VMRECLAIM_COMMON_POLICY_POLICY_YAML_H

#include <stddef.h>

#include "common/policy/policy.h"

#define POLICY_YAML_MAX (64 * 1024) /* bytes; more is no policy */

/* Reads one YAML document: a mapping with `name`, `profile` (default: balanced), any key of the
 * table, and `schedules`, a list of {cron, for, do, zone}. Checked with policy_check().
 * Errors begin "SOURCE:LINE: ". -EINVAL, -ENOENT (unknown key), -ERANGE, -EFBIG, -ENOMEM. */
int policy_load_yaml(const char *text, size_t length, const char *source_name,
                     struct policy *ret_policy, struct error *error);

/* The same for a text that an earlier version took: sizes without a unit are bytes. */
int policy_load_kept_yaml(const char *text, size_t length, const char *source_name,
                          struct policy *ret_policy, struct error *error);

/* A policy that does not name itself is called like its file: "web" for "/etc/x/web.yaml". -EINVAL:
 * that is no name. */
int policy_name_after(struct policy *policy, const char *source_name, struct error *error);

#endif
