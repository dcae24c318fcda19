/* The agent's own place in a guest that runs out of memory. It is what helps then, so its pages
 * stay, the OOM killer passes it by, and it gets the CPU. */
#ifndef VMRECLAIM_AGENT_SAFETY_PROTECT_H
#define VMRECLAIM_AGENT_SAFETY_PROTECT_H

#include "common/base/error.h"

/* Keeps the heap small: one arena, freed memory goes back to the kernel. Call first of all. */
void protect_heap(void);

/* Locks pages as they are touched, lowers the OOM score and the nice value. Each of the three may
 * be refused to an unprivileged agent. The first refusal is a negative errno with its text; the
 * others are still tried. */
int protect_process(struct error *error);

#endif
