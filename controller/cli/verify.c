/* vmreclaim verify ACTION */
#include "controller/cli/action.h"
#include "controller/cli/cli.h"

static int run(struct cli *cli, char **operands)
{
    Vmreclaim__Controller__V1__VerifyActionRequest request =
        VMRECLAIM__CONTROLLER__V1__VERIFY_ACTION_REQUEST__INIT;

    request.id = operands[0];
    return action_run(cli, "VerifyAction", &request.base);
}

const struct command command_verify = {
    .name = "verify",
    .operands = "ACTION",
    .operand_count = 1,
    .summary = "what one action brought, measured again now",
    .description =
        "Shows the record of an action: what the guest did, what the host got at once and after\n"
        "ten minutes, how sure that is, and if little came back, why. While the VM lives, it is\n"
        "measured again. A part of the action's id is enough.",
    .example = "vmreclaim verify 3f9c",
    .see_also = "actions; explain, for the VM as it is now",
    .timeout = 30 * NSEC_PER_SEC,
    .run = run,
};
