/* A command again and again, until it is interrupted. */
#ifndef VMRECLAIM_CONTROLLER_CLI_WATCH_H
#define VMRECLAIM_CONTROLLER_CLI_WATCH_H

#include "controller/cli/cli.h"

/* Runs it every two seconds, and when the daemon tells an event. On a terminal what it shows is
 * drawn over what was there; elsewhere it is written again when it is another text. Ends when the
 * command fails, or when nobody reads. */
int watch_command(struct cli *cli, const struct command *command, char **operands);

#endif
