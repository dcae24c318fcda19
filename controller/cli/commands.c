/* The list of commands, in the order of --help. */
#include "controller/cli/cli.h"

extern const struct command command_vm_list, command_vm_show, command_explain, command_history,
    command_reclaim, command_compact, command_reporting, command_balloon, command_release,
    command_ranges, command_policy_apply, command_policy_list, command_policy_show,
    command_policy_check, command_policy_diff, command_policy_unassign, command_policy_history,
    command_policy_rollback, command_actions, command_verify, command_events, command_ping,
    command_status, command_debug_dump, command_relay;

const struct command *const commands[] = {
    &command_vm_list,         &command_vm_show,
    &command_explain,         &command_history,
    &command_reclaim,         &command_compact,
    &command_reporting,       &command_balloon,
    &command_release,         &command_ranges,
    &command_policy_check,    &command_policy_apply,
    &command_policy_list,     &command_policy_show,
    &command_policy_diff,     &command_policy_history,
    &command_policy_rollback, &command_policy_unassign,
    &command_actions,         &command_verify,
    &command_events,          &command_ping,
    &command_status,          &command_debug_dump,
    &command_relay,           NULL,
};
