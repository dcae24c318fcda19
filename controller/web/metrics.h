/* The daemon's figures, and a fleet's, as a page for Prometheus. What the daemon's are is said by
 * itself, with the figures (GetCounters): a later daemon's are on the page of this program as well.
 */
#ifndef VMRECLAIM_CONTROLLER_WEB_METRICS_H
#define VMRECLAIM_CONTROLLER_WEB_METRICS_H

#include <stdbool.h>
#include <stddef.h>

#include "controller.pb-c.h"

/* Which figures of VMs are on the page. */
enum metrics_scope {
    METRICS_ALL,
    METRICS_HOST, /* none of a single VM */
};

struct fleet_facts;

/* What is on the page. */
struct metrics {
    bool has_daemon; /* else nothing is said of one */
    const Vmreclaim__Controller__V1__GetCountersResponse *counters; /* NULL: it did not answer */
    enum metrics_scope scope;
    bool has_fleet;                  /* likewise */
    const struct fleet_facts *fleet; /* NULL: the coordinator did not answer */
};

/* The text is the caller's, of `*ret_length` bytes. -ENOMEM. */
int metrics_render(const struct metrics *metrics, char **ret_text, size_t *ret_length);

#endif
