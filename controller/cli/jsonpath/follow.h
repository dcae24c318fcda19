/* Following paths through a document. */
#ifndef VMRECLAIM_CONTROLLER_CLI_JSONPATH_FOLLOW_H
#define VMRECLAIM_CONTROLLER_CLI_JSONPATH_FOLLOW_H

#include "controller/cli/jsonpath/tree.h"

/* Borrowed from the document and the template; the list itself is to be freed. */
struct jsonpath_values {
    const json_t **list;
    size_t count;
    size_t room;
};

struct jsonpath_walk {
    const json_t *document;
    size_t values_left; /* that may be looked at */
};

/* Where the path leads; what is at hand is `current`. `*ret_values` is the caller's after a
 * failure, too. -E2BIG: over a limit; -ENOMEM. */
int jsonpath_follow(struct jsonpath_walk *walk, const struct jsonpath_path *path,
                    const json_t *current, struct jsonpath_values *ret_values);

#endif
