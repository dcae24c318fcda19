/* Commands of the prompt. */
#ifndef VMRECLAIM_CONTROLLER_CLI_SHELL_RUN_H
#define VMRECLAIM_CONTROLLER_CLI_SHELL_RUN_H

#include "controller/cli/cli.h"

/* No exit code: it was ended by Ctrl-C. */
#define SHELL_INTERRUPTED 130

/* Runs one in a process of its own, as if it had been called alone; an interrupt ends that process.
 * `words` may be changed. What it prints goes to the descriptor `output`; below 0: where ours goes.
 * An exit code, or SHELL_INTERRUPTED; another signal is a failure, and was said. */
int shell_run(const struct cli *cli, char **words, size_t count, int output);

#endif
