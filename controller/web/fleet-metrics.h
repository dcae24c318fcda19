/* A fleet's figures for Prometheus: sums, so that they are as many with ten hosts as with ten
 * thousand. What one host has is on that host's own page. Pure. */
#ifndef VMRECLAIM_CONTROLLER_WEB_FLEET_METRICS_H
#define VMRECLAIM_CONTROLLER_WEB_FLEET_METRICS_H

#include "controller/web/exposition.h"
#include "controller/web/fleet-rounds.h"

/* NULL: the coordinator did not answer, which is all that is said. */
void fleet_metrics_put(struct exposition *exposition, const struct fleet_facts *facts);

#endif
