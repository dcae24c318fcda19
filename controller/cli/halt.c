/* vmreclaim halt VM... | --all */
#include "controller/cli/halting.h"
#include "controller/cli/messages.h"

static int run(struct cli *cli, char **operands)
{
    Vmreclaim__Controller__V1__HaltRequest request = VMRECLAIM__CONTROLLER__V1__HALT_REQUEST__INIT;
    bool all;
    int r = halting_check("halt", operands, &all, &request.n_vms);

    if (r != EXIT_DONE)
        return r;
    request.vms = operands;
    request.all = all;
    return halting_call(cli, "Halt", &request.base,
                        "halted: what they lent is given back, and nothing is done to them");
}

const struct command command_halt = {
    .name = "halt",
    .operands = "VM... | --all",
    .takes_more = true,
    .summary = "stop everything that is done to VMs",
    .description =
        "Gives back what the VMs lent, ends what is under way, and has their agents observe only.\n"
        "Nothing is done to them, by policy or by hand, until they are resumed, also over "
        "restarts\n"
        "of the daemon. A guest whose agent was never given a policy goes on as before.",
    .example = "vmreclaim halt --all",
    .see_also = "resume; release, which ends a lease only",
    .options = halting_options,
    .timeout = 30 * NSEC_PER_SEC,
    .run = run,
};
