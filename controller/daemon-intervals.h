/* The journal of vms/intervals.h, in the store's notes. */
#ifndef VMRECLAIM_CONTROLLER_DAEMON_INTERVALS_H
#define VMRECLAIM_CONTROLLER_DAEMON_INTERVALS_H

#include "controller/daemon-parts.h"

/* Reads what an earlier daemon left, and drops the notes of processes that have ended; the store
 * must not have its thread yet. */
void daemon_intervals_start(struct daemon *daemon);

#endif
