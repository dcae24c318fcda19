/* What of a VM's memory could come back, by which step, in the order in which a host that is short
 * would take it. Pure.
 *
 * Each byte is in one step: the first that could bring it. What is not worth a step is left out.
 * So is what a later step on the way to the host would hold back. */
#ifndef VMRECLAIM_CONTROLLER_EXPLAIN_RETURNS_H
#define VMRECLAIM_CONTROLLER_EXPLAIN_RETURNS_H

#include <stdint.h>

#include "controller/explain/finding.h"

/* The gentlest first. */
enum return_step {
    RETURN_REPORT,  /* free, and comes by itself; a kick hastens it */
    RETURN_RECLAIM, /* file cache above what the policy leaves */
    RETURN_COMPACT, /* free in pieces too small to return */
    RETURN_PULSE,   /* free in a guest that does not report it */
    RETURN_BALLOON, /* under a lease: the guest keeps what it uses and a reserve */
    RETURN_STEP_COUNT,
};

struct returns {
    uint64_t bytes[RETURN_STEP_COUNT]; /* 0: nothing, or the step cannot be taken */
    uint64_t total;
    char why[192]; /* why nothing could come back; empty: something could */
};

/* `subject->action` is not looked at. */
void explain_returns(const struct explain_subject *subject, struct returns *ret_returns);

/* "reclaim": static text, as in the API. */
const char *return_step_name(enum return_step step);

#endif
