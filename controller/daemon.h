/* vmreclaimd put together: configuration, supervisor, API and listeners on one loop. */
#ifndef VMRECLAIM_CONTROLLER_DAEMON_H
#define VMRECLAIM_CONTROLLER_DAEMON_H

#include "controller/daemon-parts.h"

/* Opens everything; `sources` stay the caller's. On failure what was opened is closed again by
 * daemon_finish. */
int daemon_init(struct daemon *daemon, const struct daemon_sources *sources, int root,
                struct error *error);

/* Runs until SIGTERM or SIGINT. */
void daemon_run(struct daemon *daemon);

/* Ends all that was started. False: something does not end, as the log says. What had to be kept is
 * kept, but the threads run on: only _exit() ends the process. */
bool daemon_finish(struct daemon *daemon);

#endif
