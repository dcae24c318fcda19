/* The journal of leases/traces.h, in the store's notes. */
#ifndef VMRECLAIM_CONTROLLER_DAEMON_TRACES_H
#define VMRECLAIM_CONTROLLER_DAEMON_TRACES_H

#include "controller/daemon-parts.h"

/* Reads what earlier daemons wrote; the store must not have its thread yet. */
void daemon_traces_start(struct daemon *daemon);

#endif
