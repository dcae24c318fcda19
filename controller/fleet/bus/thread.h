/* The thread that owns every call into libnats. */
#ifndef VMRECLAIM_CONTROLLER_FLEET_BUS_THREAD_H
#define VMRECLAIM_CONTROLLER_FLEET_BUS_THREAD_H

/* Until is_stopping; of a struct bus. */
void bus_run(void *bus);

#endif
