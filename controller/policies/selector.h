/* Whom a policy is for: a VM by its name, a glob over names, or "label:KEY=VALUE". Pure. */
#ifndef VMRECLAIM_CONTROLLER_POLICIES_SELECTOR_H
#define VMRECLAIM_CONTROLLER_POLICIES_SELECTOR_H

#include <stdbool.h>

#include "common/base/error.h"
#include "controller/vms/vm.h"

/* It is for several VMs: a label or a glob. */
bool policy_selector_is_pattern(const char *selector);

/* 0 when some VM could be meant by a pattern. -EINVAL, with what is wrong. */
int policy_selector_check(const char *selector, struct error *error);

/* The VM is one of those that are meant. */
bool policy_selector_matches(const char *selector, const struct vm *vm);

#endif
