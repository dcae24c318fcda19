/* What halt and resume share. */
#ifndef VMRECLAIM_CONTROLLER_CLI_HALTING_H
#define VMRECLAIM_CONTROLLER_CLI_HALTING_H

#include "controller/cli/selector.h"

/* Which VMs; with `*ret_all` all, those that come later too, and none by name. As selector_take. */
int halting_take(struct cli *cli, const char *command, char **operands, bool *ret_all,
                 struct selected *ret_selected);

/* "3 VMs are" and what they are, a static text. */
int halting_call(struct cli *cli, const char *method, const ProtobufCMessage *request,
                 const char *what);

#endif
