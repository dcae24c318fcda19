/* When a policy's windows open and close. The evaluation itself is common/policy/schedule's: here
 * it is only asked about other moments than now, so zones and their changes hold here as well. */
#ifndef VMRECLAIM_CONTROLLER_EXPLAIN_WINDOWS_H
#define VMRECLAIM_CONTROLLER_EXPLAIN_WINDOWS_H

#include <stdint.h>

#include "common/policy/schedule.h"

/* UNIX seconds of the next opening after `now`, within a year; 0: none. */
int64_t window_next_opening(const struct schedule *schedule, int64_t now);

/* UNIX seconds at which the window that is open at `now` closes, later ones that overlap included.
 * 0: none is open, or they have no end. */
int64_t window_closing(const struct schedule *schedule, int64_t now);

/* "Fri 03:00 Europe/Berlin", by the schedule's own clock. `size` >= 64 always fits. */
const char *window_format_time(const struct schedule *schedule, int64_t time, char *buffer,
                               size_t size);

#endif
