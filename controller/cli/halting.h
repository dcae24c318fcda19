/* What halt and resume share. */
#ifndef VMRECLAIM_CONTROLLER_CLI_HALTING_H
#define VMRECLAIM_CONTROLLER_CLI_HALTING_H

#include "controller/cli/cli.h"

/* --all */
extern const struct command_option halting_options[];

/* VMs, or all. EXIT_USAGE after saying what is wrong. */
int halting_check(const char *command, char *const *operands, bool *ret_all, size_t *ret_count);

/* "3 VMs are" and what they are, a static text. */
int halting_call(struct cli *cli, const char *method, const ProtobufCMessage *request,
                 const char *what);

#endif
