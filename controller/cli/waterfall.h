/* The waterfall on the terminal. */
#ifndef VMRECLAIM_CONTROLLER_CLI_WATERFALL_H
#define VMRECLAIM_CONTROLLER_CLI_WATERFALL_H

#include <stdbool.h>
#include <stdint.h>

#include "controller/cli/bar.h"
#include "controller/cli/messages.h"

/* Bars of the guest's and the host's view, and a table of the parts, of a VM that has a waterfall.
 * Returns an exit code. */
int waterfall_print(const Vm *vm);

/* The footprint is a figure; records of older daemons have no flag for it. */
bool waterfall_host_is_known(const Waterfall *w);

/* What a bar of the whole VM stands for: its memory, or what the guest counts. */
uint64_t waterfall_whole(const Waterfall *w);

/* What the host holds of the VM, by what the guest uses it for: U in use, k unmanaged, C cache,
 * T trapped, p per-CPU lists, f reportable, ? nobody's. '#' stands for all of it where the guest's
 * side is not known. Returns how many parts. */
enum { WATERFALL_PARTS_MAX = 7 };
size_t waterfall_held_parts(const Waterfall *w, struct bar_part parts[static WATERFALL_PARTS_MAX]);

/* One line: what a VM is and how it is doing. */
void waterfall_print_head(const Vm *vm);

#endif
