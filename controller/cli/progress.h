/* That a command is still at it: a line that moves on a terminal, plain lines elsewhere, both on
 * standard error. Nothing is shown of what takes less than a second. There is one per program. */
#ifndef VMRECLAIM_CONTROLLER_CLI_PROGRESS_H
#define VMRECLAIM_CONTROLLER_CLI_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

/* What is going on: a command and its operands, ended by NULL. Copied; set by main. */
void progress_name(const char *command, char *const *operands);

/* Shows it from one second on, by a timer of the loop that keeps no loop alive. `total`: how many
 * things are done side by side. */
void progress_start(uv_loop_t *loop, size_t total);

/* So many of them have ended. */
void progress_count(size_t ended);

/* Before anything else is written: takes the moving line off the terminal. */
void progress_clear(void);

/* Ends it, before the loop's end. Does nothing where it was not started. */
void progress_stop(void);

#endif
