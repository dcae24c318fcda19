/* A bus in memory, in place of controller/fleet/bus: streams that keep the newest of each subject.
 * What is asked waits for its turn. For tests of what puts and gets. */
#ifndef VMRECLAIM_TESTS_UNIT_CONTROLLER_FLEET_MEMORY_BUS_H
#define VMRECLAIM_TESTS_UNIT_CONTROLLER_FLEET_MEMORY_BUS_H

#include "controller/fleet/bus/bus.h"

/* All that is kept and asked is forgotten. */
void memory_bus_begin(void);

/* What the code under test has as its bus. */
struct bus *memory_bus(void);

/* The first thing asked is done, and answered; false: nothing is asked. */
bool memory_bus_turn(void);

/* The same of another one, counted from 0. */
void memory_bus_turn_of(unsigned index);
unsigned memory_bus_asked(void);

/* It is done; the answer is lost. */
void memory_bus_turn_in_vain(void);

/* No stream has room for anything. */
void memory_bus_fill(bool is_full);

/* Until nothing is asked any more. */
void memory_bus_run(void);

/* How many puts were done since memory_bus_begin(). */
unsigned memory_bus_puts(void);

/* Somebody else's write. */
void memory_bus_keep(const char *subject, const void *data, size_t length);

/* NULL: there is none. Until it is replaced. */
const struct bus_message *memory_bus_newest(const char *subject);

/* All subjects that begin so are forgotten, and their stream counts from 1 again. */
void memory_bus_remake(const char *prefix);

/* One subject is forgotten. */
void memory_bus_forget(const char *subject);

#endif
