/* What TERM says of the terminal. Apart from the screen: it needs a header of ncurses that takes
 * the words of everybody else. */
#ifndef VMRECLAIM_CONTROLLER_CLI_TOP_TERMINAL_TYPE_H
#define VMRECLAIM_CONTROLLER_CLI_TOP_TERMINAL_TYPE_H

#include <stdbool.h>

/* It is known, and text can be put at a place. */
bool terminal_type_can_place_text(void);

#endif
