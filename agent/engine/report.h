/* What a policy would do on this machine now, for a person: `vmreclaim-agent --once --dry-run`. */
#ifndef VMRECLAIM_AGENT_ENGINE_REPORT_H
#define VMRECLAIM_AGENT_ENGINE_REPORT_H

#include <stddef.h>

#include "agent/engine/outlook.h"

#define ENGINE_REPORT_MAX 4096 /* bytes; every report fits */

/* Writes lines of text: the gates as they are between the two samples, the memory they guard, and
 * the outlook. That is each step with the bytes it promises and what they come to, or the gate that
 * holds it back. Returns the length. */
size_t engine_report(const struct outlook_question *question, char *buffer, size_t size);

#endif
