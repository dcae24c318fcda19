/* What was found: a line each, "STATUS: NAME: REASON", for people and for `vmreclaim fleet
 * doctor`. */
#ifndef VMRECLAIM_CONTROLLER_FLEET_CHECK_REPORT_H
#define VMRECLAIM_CONTROLLER_FLEET_CHECK_REPORT_H

#include <stdio.h>

#include "common/base/util.h"

enum finding { FINDING_OK, FINDING_WARNING, FINDING_FAILURE };

struct report {
    FILE *output;
    unsigned failures;
};

/* The reason is one line: what, where and, of what is not ok, what to do. */
void report_add(struct report *report, enum finding finding, const char *name, const char *format,
                ...) printf_like(4, 5);

#endif
