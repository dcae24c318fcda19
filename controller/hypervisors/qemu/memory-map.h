/* Where the guest's memory lies, from what QEMU's monitor prints of its memory regions. Pure. */
#ifndef VMRECLAIM_CONTROLLER_HYPERVISORS_QEMU_MEMORY_MAP_H
#define VMRECLAIM_CONTROLLER_HYPERVISORS_QEMU_MEMORY_MAP_H

#include "controller/hypervisors/driver.h"

/* `text` is the answer to "info mtree -f", `ram` the VM's memory. Devices have RAM in the address
 * space too (a screen's, say): the largest regions that fit into `ram` are the guest's. False: they
 * do not add up to it, but for what a PC hides of its first megabyte, or are in too many pieces. */
bool qemu_memory_map(const char *text, uint64_t ram, struct driver_memory_map *ret_map);

#endif
