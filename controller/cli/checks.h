/* What a doctor has looked at, as a table. */
#ifndef VMRECLAIM_CONTROLLER_CLI_CHECKS_H
#define VMRECLAIM_CONTROLLER_CLI_CHECKS_H

#include <stddef.h>

#include "controller/cli/messages.h"

/* Status, name and reason of each. An exit code. */
int checks_print(Check *const *checks, size_t count);

#endif
