/* A line of the terminal, edited as people know it, with a history that is kept. */
#ifndef VMRECLAIM_CONTROLLER_CLI_SHELL_PROMPT_H
#define VMRECLAIM_CONTROLLER_CLI_SHELL_PROMPT_H

#include "controller/cli/cli.h"

/* There is one per program. `text` stands before each line, and lives as long. `cli` is who is
 * asked for names when the tabulator is pressed. False: there is no memory, or the terminal cannot
 * be used. */
bool prompt_begin(const char *text, const struct cli *cli);

/* The next line, until the next call; "" for one that was abandoned by Ctrl-C. NULL: the end. */
const char *prompt_read(void);

/* Keeps the history. */
void prompt_end(void);

#endif
