/* What makes the daemon read its configuration and the VM files again. */
#ifndef VMRECLAIM_CONTROLLER_DAEMON_RELOAD_H
#define VMRECLAIM_CONTROLLER_DAEMON_RELOAD_H

#include "controller/daemon-parts.h"

/* SIGHUP reads again; SIGTERM and SIGINT end the loop. */
int daemon_signals_start(struct daemon *daemon, struct error *error);
void daemon_signals_stop(struct daemon *daemon);

/* The directories of VM files and hypervisors; one that cannot be watched is only logged. */
int daemon_watches_start(struct daemon *daemon, struct error *error);
void daemon_watches_stop(struct daemon *daemon);

/* Reads configuration and VM files again: all or nothing. What cannot change while running
 * (listen, api, vms, state_directory) is an error when it differs. */
int daemon_reload(struct daemon *daemon, struct error *error);

#endif
