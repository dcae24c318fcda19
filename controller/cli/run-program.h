/* Runs another program of this host and waits for it. */
#ifndef VMRECLAIM_CONTROLLER_CLI_RUN_PROGRAM_H
#define VMRECLAIM_CONTROLLER_CLI_RUN_PROGRAM_H

#define PROGRAM_OUTPUT_MAX (4 * 1024 * 1024)

/* `arguments` begins with its name, found in PATH, and ends with NULL. `input` is what it reads;
 * NULL: nothing. `*ret_output`, to be freed, is what it printed, also where it failed; NULL
 * pointer: that goes to our standard output. What it complains about goes to our standard error.
 * Its exit status, or a negative errno. */
int run_program(const char *const *arguments, const char *input, char **ret_output);

#endif
