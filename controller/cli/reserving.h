/* Reservations as text. */
#ifndef VMRECLAIM_CONTROLLER_CLI_RESERVING_H
#define VMRECLAIM_CONTROLLER_CLI_RESERVING_H

#include <stddef.h>

#include "controller/cli/messages.h"

/* The line that is written over while it fills, without a line end. */
void reserving_format_line(const Reservation *reservation, char *line, size_t size);

/* How it ended: what is free, after how long, and for how long; or what was the most, and why. */
void reserving_print_end(const Reservation *reservation);

/* The exit code of one that is in this state at last. */
int reserving_exit_code(const char *state);

#endif
