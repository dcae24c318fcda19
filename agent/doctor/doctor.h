/* vmreclaim-agent --doctor: what this guest lacks, why it matters, and how to mend it. */
#ifndef VMRECLAIM_AGENT_DOCTOR_DOCTOR_H
#define VMRECLAIM_AGENT_DOCTOR_DOCTOR_H

#include "agent/actions/features.h"
#include "agent/config/configuration.h"
#include "common/base/check.h"

#define DOCTOR_COMPLAINTS_MAX 8

struct doctor_complaint {
    const char *name; /* of the check */
    struct check_answer answer;
};

/* Prints the table. The worst of the answers. Changes nothing. */
enum check_status doctor_run(int root, const struct configuration *configuration, FILE *output);

/* The same table for a controller: what is not ok, failures first. `features` are those that the
 * agent has detected. Returns how many of `ret_complaints` are filled in. */
size_t doctor_complain(int root, const struct configuration *configuration,
                       const struct features *features,
                       struct doctor_complaint ret_complaints[DOCTOR_COMPLAINTS_MAX]);

#endif
