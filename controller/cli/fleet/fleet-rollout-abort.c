/* vmreclaim fleet rollout abort */
#include "controller/cli/fleet/ordering.h"

static int run(struct cli *cli, char **operands)
{
    return fleet_order(cli, operands[0], VMRECLAIM__FLEET__V1__ROLLOUT_VERB__ROLLOUT_VERB_ABORT);
}

const struct command command_fleet_rollout_abort = {
    .name = "fleet rollout abort",
    .operands = "ID",
    .operand_count = 1,
    .summary = "stop a rollout for good; hosts that have the policy keep it",
    .description = "To take the policy back, roll it back instead.",
    .example = "vmreclaim fleet rollout abort 4f3a",
    .see_also = "fleet rollout rollback; fleet rollout pause",
    .options = fleet_order_options,
    .trace = "vmreclaim fleet rollout status",
    .run = run,
};
