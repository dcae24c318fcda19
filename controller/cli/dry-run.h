/* What a command would do, and what of it would be refused: nothing is done. */
#ifndef VMRECLAIM_CONTROLLER_CLI_DRY_RUN_H
#define VMRECLAIM_CONTROLLER_CLI_DRY_RUN_H

#include "controller/cli/cli.h"
#include "controller/cli/messages.h"

/* The option of commands that have it. */
#define DRY_RUN_OPTION(flag)                                                                       \
    {                                                                                              \
        "dry-run", 0, OPTION_FLAG, NULL, "do nothing: say what would be done, and what not",       \
            (flag), NULL                                                                           \
    }

/* One of the request's actions, for the VMs that `operands` and the selector's options mean. With
 * JSON a document each. EXIT_REFUSED: all steps of a VM would be refused. */
int dry_run(struct cli *cli, const char *command,
            const Vmreclaim__Controller__V1__PlanActionRequest *request, char **operands);

#endif
