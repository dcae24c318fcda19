/* Times for people: the local clock. */
#ifndef VMRECLAIM_CONTROLLER_CLI_WHEN_H
#define VMRECLAIM_CONTROLLER_CLI_WHEN_H

#include <stddef.h>
#include <stdint.h>

/* UNIX nanoseconds as "2026-11-23 19:12:44 +0100"; "-" for 0. `size` >= 32 always fits. */
const char *when_format(int64_t time, char *buffer, size_t size);

/* "11-23 19:12 +0100"; as above. */
const char *when_format_short(int64_t time, char *buffer, size_t size);

/* "19:12:44.123 +0100"; as above. */
const char *when_format_moment(int64_t time, char *buffer, size_t size);

#endif
