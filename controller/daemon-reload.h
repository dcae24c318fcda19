/* When the daemon reads its configuration and the VM files. At start, on SIGHUP, on request, when a
 * directory changed, and regularly as long as something is wrong. */
#ifndef VMRECLAIM_CONTROLLER_DAEMON_RELOAD_H
#define VMRECLAIM_CONTROLLER_DAEMON_RELOAD_H

#include "controller/daemon-parts.h"

/* The first reading: of VMs; the configuration is in force already. */
void daemon_reload_begin(struct daemon *daemon);

/* Begins to read all, on a thread; what comes meanwhile makes it read once more afterwards. The
 * configuration file, each VM file and each directory is in force as a whole or stays what it was.
 * daemon->reload.problems says what is not in force. `why` is static and for the log. */
void daemon_reload(struct daemon *daemon, const char *why);

/* The same; `done` runs once all of it is in force that can be, or the daemon ends. */
void daemon_reload_and_say(struct daemon *daemon, void (*done)(nsec_t used, void *userdata),
                           void *userdata);

/* SIGHUP reads again; SIGTERM and SIGINT end the loop. */
int daemon_signals_start(struct daemon *daemon, struct error *error);
void daemon_signals_stop(struct daemon *daemon);

/* The directories of VM files and hypervisors, from the first reading on. */
int daemon_watches_start(struct daemon *daemon, struct error *error);
void daemon_watches_stop(struct daemon *daemon);
void daemon_watches_finish(struct daemon *daemon);

#endif
