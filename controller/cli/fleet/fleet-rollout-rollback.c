/* vmreclaim fleet rollout rollback */
#include "controller/cli/fleet/ordering.h"

static int run(struct cli *cli, char **operands)
{
    return fleet_order(cli, operands[0],
                       VMRECLAIM__FLEET__V1__ROLLOUT_VERB__ROLLOUT_VERB_ROLL_BACK);
}

const struct command command_fleet_rollout_rollback = {
    .name = "fleet rollout rollback",
    .operands = "ID",
    .operand_count = 1,
    .summary = "give every host that has it the policy of before",
    .description = "All at once, without gates. Hosts that are away get it on return.",
    .example = "vmreclaim fleet rollout rollback 4f3a --reason 'slow builds'",
    .see_also = "fleet rollout status",
    .options = fleet_order_options,
    .trace = "vmreclaim fleet rollout status",
    .run = run,
};
