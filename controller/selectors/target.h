/* Whom something is for: one by its name, a glob over names, or "label:KEY=VALUE". A label without
 * a value is one, too: Proxmox's tags are. "label:web" means that alone, not "web=1". Pure. */
#ifndef VMRECLAIM_CONTROLLER_SELECTORS_TARGET_H
#define VMRECLAIM_CONTROLLER_SELECTORS_TARGET_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/error.h"

/* It is for several: a label or a glob. */
bool target_is_pattern(const char *target);

/* 0 when some could be meant by a pattern. -EINVAL, with what is wrong; `what` are they: "VM". */
int target_check(const char *target, const char *what, struct error *error);

/* Who has this name and these labels is one of those that are meant. */
bool target_matches(const char *target, const char *name, char *const labels[], size_t count);

#endif
