/* Checks that a person runs to learn why something does not work. A table of questions, each with
 * an answer, its reason and what to do about it. For the doctors of the agent and the daemon. */
#ifndef VMRECLAIM_COMMON_BASE_CHECK_H
#define VMRECLAIM_COMMON_BASE_CHECK_H

#include <stddef.h>
#include <stdio.h>

#include "common/base/util.h"

enum check_status {
    CHECK_OK,
    CHECK_WARNING, /* works, but less well */
    CHECK_FAILURE, /* does not work */
};

struct check_answer {
    enum check_status status;
    char reason[200]; /* what was found; may be empty when ok */
    char fix[200];    /* what to do; empty when ok */
};

struct check {
    const char *name; /* "vsock device" */
    /* Fills in the answer with check_answer_set; left alone, it is ok. */
    void (*ask)(const struct check *check, void *context, struct check_answer *answer);
    size_t argument; /* for a function that serves several checks */
};

/* `fix` NULL: nothing to do. */
void check_answer_set(struct check_answer *answer, enum check_status status, const char *fix,
                      const char *reason, ...) printf_like(4, 5);

/* Asks all and prints one line per check, a second one for what to do. The worst status. */
enum check_status checks_run(const struct check *checks, size_t count, void *context, FILE *output);

#endif
