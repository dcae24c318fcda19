/* What went wrong with the bus, in a sentence that says what to do. Pure. */
#ifndef VMRECLAIM_CONTROLLER_FLEET_BUS_PROBLEM_H
#define VMRECLAIM_CONTROLLER_FLEET_BUS_PROBLEM_H

#include <nats/nats.h>
#include <stddef.h>

#define BUS_PROBLEM_SIZE 256

/* `detail`: libnats' own words of it; NULL: none. Returns `ret_text`. */
const char *bus_problem(natsStatus status, const char *detail, char *ret_text, size_t size);

#endif
