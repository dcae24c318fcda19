/* vmreclaim fleet rollout pause */
#include "controller/cli/fleet/ordering.h"

static int run(struct cli *cli, char **operands)
{
    return fleet_order(cli, operands[0], VMRECLAIM__FLEET__V1__ROLLOUT_VERB__ROLLOUT_VERB_PAUSE);
}

const struct command command_fleet_rollout_pause = {
    .name = "fleet rollout pause",
    .operands = "ID",
    .operand_count = 1,
    .summary = "no further host gets the policy; those that have it keep it",
    .description = "The ID, or the beginning of it, is in fleet rollout status.",
    .example = "vmreclaim fleet rollout pause 4f3a --reason 'page duty asked'",
    .see_also = "fleet rollout resume",
    .options = fleet_order_options,
    .trace = "vmreclaim fleet rollout status",
    .run = run,
};
