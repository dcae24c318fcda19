/* What an action brought, for the commands that start or list them. */
#ifndef VMRECLAIM_CONTROLLER_CLI_ACTION_H
#define VMRECLAIM_CONTROLLER_CLI_ACTION_H

#include "controller/cli/messages.h"

/* For client_call on a method that answers ActionResponse. EXIT_DONE, EXIT_PARTIAL when the action
 * stopped early, EXIT_REFUSED when the policy forbade it, EXIT_FAILED. */
int action_print(const ProtobufCMessage *message, void *userdata);

/* The exit code alone, for use with JSON. */
int action_exit_code(const Action *action);

/* How it ended in the guest: "stopped at the time limit". Static text. */
const char *action_outcome(const ActionResult *guest);

/* Starts an action: prints it, or its JSON, and returns its exit code. */
struct cli;
int action_run_one(struct cli *cli, const char *method, const ProtobufCMessage *request);

/* The same on the VMs that `operands` and the selector's options mean: the request's field `vm` is
 * set. Several at once: a line as each ends, one table of all (with JSON a document each), and the
 * worst exit code. */
int action_run(struct cli *cli, const char *command, const char *method, ProtobufCMessage *request,
               char **operands);

#endif
