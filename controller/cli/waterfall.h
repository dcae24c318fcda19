/* The waterfall on the terminal. */
#ifndef VMRECLAIM_CONTROLLER_CLI_WATERFALL_H
#define VMRECLAIM_CONTROLLER_CLI_WATERFALL_H

#include "controller/cli/messages.h"

/* Bars of the guest's and the host's view, and a table of the parts, of a VM that has a waterfall.
 * Returns an exit code. */
int waterfall_print(const Vm *vm);

/* One line: what a VM is and how it is doing. */
void waterfall_print_head(const Vm *vm);

#endif
