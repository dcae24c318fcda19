/* A driver that was built for another vmreclaimd. */
#include "controller/hypervisors/driver.h"

static const struct driver driver = {.abi = DRIVER_ABI - 1, .name = "older"};

extern const struct driver *const vmreclaim_driver;
__attribute__((visibility("default"))) const struct driver *const vmreclaim_driver = &driver;
