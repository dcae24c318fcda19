/* What `vmreclaim doctor --fix` does: steps by who keeps the VM's configuration. */
#ifndef VMRECLAIM_CONTROLLER_CLI_DOCTOR_FIX_H
#define VMRECLAIM_CONTROLLER_CLI_DOCTOR_FIX_H

#include <stdbool.h>

#include "controller/cli/messages.h"

/* Shows what it would do, asks unless `yes`, and does it. An exit code. A balloon is never plugged
 * into a VM that runs: what it needs is written for the next start. */
int doctor_fix(const Diagnosis *diagnosis, bool yes);

#endif
