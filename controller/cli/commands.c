/* The list of commands, in the order of --help. */
#include "controller/cli/cli.h"

extern const struct command command_vm_list, command_vm_show, command_explain, command_reclaim,
    command_compact, command_reporting, command_ranges, command_policy_apply, command_events,
    command_ping, command_relay;

const struct command *const commands[] = {
    &command_vm_list, &command_vm_show,   &command_explain, &command_reclaim,
    &command_compact, &command_reporting, &command_ranges,  &command_policy_apply,
    &command_events,  &command_ping,      &command_relay,   NULL,
};
