/* The quick clock of pulses. While one is on, its balloon's size and its guest are read many times
 * a second, and the balloon's next step is taken at once. */
#ifndef VMRECLAIM_CONTROLLER_LEASES_PULSES_H
#define VMRECLAIM_CONTROLLER_LEASES_PULSES_H

#include "controller/leases/table.h"

/* -errno of libuv. */
int pulses_init(struct lease_keeper *keeper);
void pulses_stop(struct lease_keeper *keeper);

/* A pulse has begun. */
void pulses_wake(struct lease_keeper *keeper);

#endif
