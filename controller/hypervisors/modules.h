/* Drivers that are shared modules: DIRECTORY/NAME.so, with the symbol `vmreclaim_driver`.
 *
 * A module runs with the daemon's rights. So the directory and the file must belong to root, or to
 * who runs the daemon, and nobody else may write to them. Its ABI number must be ours. What is
 * loaded stays until the process ends. */
#ifndef VMRECLAIM_CONTROLLER_HYPERVISORS_MODULES_H
#define VMRECLAIM_CONTROLLER_HYPERVISORS_MODULES_H

#include "controller/hypervisors/driver.h"

/* -ENOENT: there is none of this name. -EACCES: somebody else may write to it. -ENOEXEC: it is no
 * module of ours, cannot be loaded, or is of another ABI. `error` is a sentence. */
int driver_module_load(const char *directory, const char *name, const struct driver **ret_driver,
                       struct error *error);

#endif
