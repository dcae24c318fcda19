/* What the page asks of a fleet's hosts: those that are meant, in an order, from one on, and the
 * sums of all that are meant. Pure. */
#ifndef VMRECLAIM_CONTROLLER_WEB_HOST_VIEW_H
#define VMRECLAIM_CONTROLLER_WEB_HOST_VIEW_H

#include <jansson.h>

#include "common/base/error.h"
#include "controller/web/host-table.h"

#define HOST_VIEW_LIMIT     100u
#define HOST_VIEW_LIMIT_MAX 500u

/* All of it is a key: no padding that is not zero. */
struct host_query {
    char selector[256]; /* host-selector.h; "": all */
    char sort[16];      /* a column's name; "": by id */
    uint32_t offset;
    uint32_t limit;
    uint32_t down; /* 1: the greatest first. What is not known is last in any case */
};

/* An argument of the query into it. -EINVAL: there is none of that name, or not so. */
int host_query_set(struct host_query *query, const char *name, const char *value,
                   struct error *error);

/* {"hosts": [...], "sums": {...}, "offset": N}. NULL: no memory. */
json_t *host_view(const struct host_table *table, const struct host_query *query);

/* The sums as JSON. NULL: no memory. */
json_t *host_sums_json(const struct host_sums *sums);

#endif
