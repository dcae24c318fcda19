/* All drivers: those that are built in, and modules, each loaded when it is first asked for. */
#ifndef VMRECLAIM_CONTROLLER_HYPERVISORS_TABLE_H
#define VMRECLAIM_CONTROLLER_HYPERVISORS_TABLE_H

#include "controller/hypervisors/driver.h"

/* Up to NULL. */
extern const struct driver *const builtin_drivers[];

/* By its name or its old one. -EINVAL: nobody has it; or as driver_module_load. `error` is a
 * sentence. */
int driver_find(const char *name, const struct driver **ret_driver, struct error *error);

/* Today or before. */
bool driver_is_called(const struct driver *driver, const char *name);

/* Where modules are, instead of the place that was given when it was built. For tests, and to run
 * the daemon from where it was built. `directory` is kept. */
void driver_set_directory(const char *directory);

#endif
