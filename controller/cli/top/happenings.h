/* What happened, a line each, the newest last. Pure. */
#ifndef VMRECLAIM_CONTROLLER_CLI_TOP_HAPPENINGS_H
#define VMRECLAIM_CONTROLLER_CLI_TOP_HAPPENINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "controller/cli/messages.h"

enum { HAPPENINGS_MAX = 100 };

struct happening {
    int64_t time; /* UNIX nanoseconds */
    bool is_bad;
    char text[320];
};

/* Zero-initialise. */
struct happenings {
    struct happening list[HAPPENINGS_MAX]; /* a ring */
    uint64_t count;                        /* ever */
};

/* An event as a line: what an action returned, why it returned no more. Samples are none. */
void happenings_take(struct happenings *happenings, const Event *event);

/* What this program has to say. */
void happenings_add(struct happenings *happenings, int64_t time, bool is_bad, const char *text);

/* The `back`th from the newest, which is 0; NULL: there are not so many, or not any more. */
const struct happening *happenings_get(const struct happenings *happenings, size_t back);

#endif
