/* vmreclaim-agent --doctor: what this guest lacks, why it matters, and how to mend it. */
#ifndef VMRECLAIM_AGENT_DOCTOR_H
#define VMRECLAIM_AGENT_DOCTOR_H

#include "agent/config/configuration.h"
#include "common/base/check.h"

/* Prints the table. The worst of the answers. Changes nothing. */
enum check_status doctor_run(int root, const struct configuration *configuration, FILE *output);

#endif
