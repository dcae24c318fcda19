/* vmreclaim fleet rollout resume */
#include "controller/cli/fleet/ordering.h"

static int run(struct cli *cli, char **operands)
{
    return fleet_order(cli, operands[0], VMRECLAIM__FLEET__V1__ROLLOUT_VERB__ROLLOUT_VERB_RESUME);
}

const struct command command_fleet_rollout_resume = {
    .name = "fleet rollout resume",
    .operands = "ID",
    .operand_count = 1,
    .summary = "go on with a rollout that is paused",
    .description = "Its gates are asked first.",
    .example = "vmreclaim fleet rollout resume 4f3a",
    .see_also = "fleet rollout status; fleet rollout abort",
    .options = fleet_order_options,
    .trace = "vmreclaim fleet rollout status",
    .run = run,
};
