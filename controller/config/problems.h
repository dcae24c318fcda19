/* What is wrong in files and directories that the daemon reads, until it is mended. */
#ifndef VMRECLAIM_CONTROLLER_CONFIG_PROBLEMS_H
#define VMRECLAIM_CONTROLLER_CONFIG_PROBLEMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/error.h"

#define PROBLEMS_MAX 32 /* are kept; more are counted */

struct problem {
    char part[80]; /* "vms:web-1.yaml", for lists */
    char source[256];
    char text[512];
    int64_t since; /* UNIX nanoseconds */
};

struct problems {
    struct problem list[PROBLEMS_MAX];
    size_t count; /* in the list */
    size_t omitted;
};

/* `kind` is what the source belongs to: "vms", "policy". `error` says what is wrong. */
void problems_add(struct problems *problems, const char *kind, const char *source,
                  const struct error *error);

/* NULL: the source has no problem. */
const struct problem *problems_find(const struct problems *problems, const char *source);

/* What was wrong before in the same words has been so since then. */
void problems_continue(struct problems *problems, const struct problems *before);

/* All that are not in `before` in the same words. */
typedef void (*problem_visitor)(const struct problem *problem, void *userdata);
void problems_visit_new(const struct problems *problems, const struct problems *before,
                        problem_visitor visit, void *userdata);

/* How many there are in all. */
size_t problems_total(const struct problems *problems);

#endif
