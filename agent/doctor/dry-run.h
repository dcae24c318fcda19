/* vmreclaim-agent --once --dry-run: what would be done on this machine now, the gain expected of
 * it, or why nothing. */
#ifndef VMRECLAIM_AGENT_DOCTOR_DRY_RUN_H
#define VMRECLAIM_AGENT_DOCTOR_DRY_RUN_H

#include <stdio.h>

#include "agent/config/configuration.h"
#include "common/base/error.h"

/* Measures for a few seconds and writes the report. Changes nothing, needs no privilege and no
 * host. -errno with `error` when not even /proc/meminfo can be read. */
int dry_run(int root, const struct configuration *configuration, FILE *output, struct error *error);

#endif
