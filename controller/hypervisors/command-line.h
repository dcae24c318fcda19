/* Options of command lines. Pure. Internal to the folder. */
#ifndef VMRECLAIM_CONTROLLER_HYPERVISORS_COMMAND_LINE_H
#define VMRECLAIM_CONTROLLER_HYPERVISORS_COMMAND_LINE_H

#include <stdbool.h>
#include <stddef.h>

/* Arguments that each end with '\0', as /proc/PID/cmdline has them. */
struct command_line {
    const char *text;
    size_t length;
};

/* The program's name without its folder; "" when there is none. */
const char *command_line_program(const struct command_line *line);

/* The argument after `before`, which is one of the line's or NULL: the first. NULL: there is none.
 */
const char *command_line_next(const struct command_line *line, const char *before);

/* The value of "--name VALUE", "--name=VALUE", or with one dash; NULL: not given. */
const char *command_line_value(const struct command_line *line, const char *name);

/* A key of "first,key=value,...", where ",," is a comma of a value. With key "" the first part,
 * if it has no key. False: it is not there, or does not fit. */
bool option_get(const char *option, const char *key, char *value, size_t size);

#endif
