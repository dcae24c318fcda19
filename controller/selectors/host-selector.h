/* Which hosts of a fleet are meant: "all", a host by its name or id, "host:NAME", a glob over names
 * ("rack1-*"), or "label:TERMS" as label-selector.h has them: "label:zone=a,tier!=db". Pure. */
#ifndef VMRECLAIM_CONTROLLER_SELECTORS_HOST_SELECTOR_H
#define VMRECLAIM_CONTROLLER_SELECTORS_HOST_SELECTOR_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/error.h"

/* What a selector looks at. */
struct host_subject {
    const char *id;
    const char *name; /* for people; NULL or "": it has none */
    char *const *labels;
    size_t label_count;
};

/* 0 when it can be read. -EINVAL, with what is wrong. */
int host_selector_check(const char *selector, struct error *error);

/* The host is one of those that are meant. A selector that cannot be read means none. */
bool host_selector_matches(const char *selector, const struct host_subject *host);

#endif
