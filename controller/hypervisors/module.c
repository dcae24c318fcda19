/* What makes a shared module of a driver: the one symbol that is looked for in it. */
#include "controller/hypervisors/driver.h"

extern const struct driver DRIVER;
extern const struct driver *const vmreclaim_driver;

__attribute__((visibility("default"))) const struct driver *const vmreclaim_driver = &DRIVER;
