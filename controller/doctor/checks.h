/* What a VM lacks. Everything here is pure: a table of checks over the facts of one VM, in the
 * order of a page's way to the host.
 *
 * What is not known is said to be unknown, and is no failure. */
#ifndef VMRECLAIM_CONTROLLER_DOCTOR_CHECKS_H
#define VMRECLAIM_CONTROLLER_DOCTOR_CHECKS_H

#include "common/base/util.h"
#include "controller/doctor/remedies.h"
#include "controller/doctor/subject.h"

#define DOCTOR_CHECKS_MAX 16

enum doctor_status {
    DOCTOR_OK,
    DOCTOR_UNKNOWN,
    DOCTOR_WARNING, /* memory comes back, but less or later */
    DOCTOR_FAILURE, /* something does not work at all */
};

struct doctor_finding {
    const char *name; /* of the check: "vsock device" */
    enum doctor_status status;
    char reason[256];
    char advice[256]; /* for a person, where no line would do; "": none */
    struct remedy_line line;
};

struct diagnosis {
    size_t count;
    enum doctor_status worst;
    struct doctor_finding findings[DOCTOR_CHECKS_MAX];
};

void doctor_examine(const struct doctor_subject *subject, struct diagnosis *ret_diagnosis);

/* "ok", "unknown", "warning", "failure". */
const char *doctor_status_name(enum doctor_status status);

#endif
