/* One agent for a state directory: two would put each other's kernel settings back. */
#ifndef VMRECLAIM_AGENT_SAFETY_INSTANCE_H
#define VMRECLAIM_AGENT_SAFETY_INSTANCE_H

#include <sys/types.h>

/* Claims the directory until the process ends, or `*ret_claim` is closed. -EBUSY: process
 * `*ret_holder` has it; -errno: nobody can claim anything in it. */
int instance_claim(int state_directory, int *ret_claim, pid_t *ret_holder);

#endif
