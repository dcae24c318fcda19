/* vmreclaim release VM... */
#include "controller/cli/action.h"
#include "controller/cli/cli.h"

static int run(struct cli *cli, char **operands)
{
    Vmreclaim__Controller__V1__ReleaseBalloonRequest request =
        VMRECLAIM__CONTROLLER__V1__RELEASE_BALLOON_REQUEST__INIT;

    return action_run(cli, "release", "ReleaseBalloon", &request.base, operands);
}

const struct command command_release = {
    .name = "release",
    .operands = "VM...",
    .takes_more = true,
    .selects = true,
    .summary = "give a guest its balloon memory back",
    .description =
        "Ends the VM's lease and lets the guest grow back to the size it had before the first\n"
        "one.",
    .example = "vmreclaim release web1",
    .see_also = "balloon",
    .timeout = 60 * NSEC_PER_SEC,
    .goes_on = "The action under way goes on to its end.",
    .trace = "vmreclaim actions",
    .run = run,
};
