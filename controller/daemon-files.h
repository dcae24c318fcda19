/* Putting in force what files say: VMs and their policies, where hypervisors are found. */
#ifndef VMRECLAIM_CONTROLLER_DAEMON_FILES_H
#define VMRECLAIM_CONTROLLER_DAEMON_FILES_H

#include "controller/daemon-parts.h"

/* Puts what was read of VMs in force, each file as a whole. What is wrong stays what it was, and is
 * in the reading's problems; so are the VMs of a directory that could not be read. */
void daemon_take_vms(struct daemon *daemon, struct reading *reading);

/* What --check does: reads everything and says what is wrong. */
void daemon_check(const struct daemon_sources *sources, struct problems *problems);

#endif
