/* The daemon's figures as a page for Prometheus. What they are is said by the daemon itself, with
 * the figures (GetCounters): a later daemon's are on the page of this program as well. */
#ifndef VMRECLAIM_CONTROLLER_WEB_METRICS_H
#define VMRECLAIM_CONTROLLER_WEB_METRICS_H

#include <stddef.h>

#include "controller.pb-c.h"

/* Which figures of VMs are on the page. */
enum metrics_scope {
    METRICS_ALL,
    METRICS_HOST, /* none of a single VM */
};

/* NULL: the daemon did not answer, which is all that the page says. The text is the caller's, of
 * `*ret_length` bytes. -ENOMEM. */
int metrics_render(const Vmreclaim__Controller__V1__GetCountersResponse *counters,
                   enum metrics_scope scope, char **ret_text, size_t *ret_length);

#endif
