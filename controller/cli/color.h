/* Colours of standard output: on a terminal only, unless they are asked for. */
#ifndef VMRECLAIM_CONTROLLER_CLI_COLOR_H
#define VMRECLAIM_CONTROLLER_CLI_COLOR_H

#include <stdbool.h>

enum color {
    COLOR_NONE,
    COLOR_BAD,     /* red: something is lost or short */
    COLOR_WARNING, /* yellow: something is not as it should be */
    COLOR_COUNT,
};

/* "auto", "always" or "never"; -EINVAL: none of them. Auto: on a terminal, where NO_COLOR is empty
 * or not set and TERM is not "dumb". */
int color_choose(const char *when);

/* Whether standard output is coloured. */
bool color_is_on(void);

/* What begins and ends a coloured text; "" where nothing is coloured. */
const char *color_begin(enum color color);
const char *color_end(enum color color);

#endif
