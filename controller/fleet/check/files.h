/* The files that a configuration names, and the clock. */
#ifndef VMRECLAIM_CONTROLLER_FLEET_CHECK_FILES_H
#define VMRECLAIM_CONTROLLER_FLEET_CHECK_FILES_H

#include "controller/fleet/check/report.h"
#include "controller/fleet/config/config.h"

/* As this process's user finds them. */
void check_files(struct report *report, const struct fleet_config *config, bool is_coordinator);

/* Whether anybody sets it. */
void check_clock(struct report *report);

#endif
