/* Whose the state directory is: one daemon's at a time. Two would take each other's actions and
 * leases for those of a daemon that ended. The kernel lets go of it with the process. */
#ifndef VMRECLAIM_CONTROLLER_STATE_LOCK_H
#define VMRECLAIM_CONTROLLER_STATE_LOCK_H

#include <stdbool.h>

#include "common/base/error.h"

/* Keeps the directory for this process, as long as the descriptor is open. -EBUSY: it is another
 * one's. A directory that cannot be opened is nobody's: `*ret_descriptor` is -1 then. */
int state_lock_take(const char *directory, int *ret_descriptor, struct error *error);

/* A daemon has it. */
bool state_lock_is_taken(const char *directory);

#endif
