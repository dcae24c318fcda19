/* What a policy would do on this machine now, for a person: `vmreclaim-agent --once --dry-run`. */
#ifndef VMRECLAIM_AGENT_ENGINE_REPORT_H
#define VMRECLAIM_AGENT_ENGINE_REPORT_H

#include <stddef.h>

#include "agent/engine/sample.h"
#include "common/policy/policy.h"

#define ENGINE_REPORT_MAX 4096 /* bytes; every report fits */

/* Writes lines of text: the gates as they are between the two samples (a second apart or more), the
 * steps the engine would take once the guest is idle, each with the bytes it promises, and what
 * that comes to, or why nothing. `lowest_order` as in engine_set_lowest_order(). Returns the
 * length. */
size_t engine_report(const struct policy *policy, const struct memory_sample *first,
                     const struct memory_sample *second, uint32_t lowest_order, char *buffer,
                     size_t size);

#endif
