/* The driver for QEMU, over QMP. */
#ifndef VMRECLAIM_DRIVERS_QMP_DRIVER_H
#define VMRECLAIM_DRIVERS_QMP_DRIVER_H

#include "controller/drivers/driver.h"

extern const struct driver qmp_driver;

#endif
