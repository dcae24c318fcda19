/* vmreclaim halt VM... */
#include "controller/cli/halting.h"
#include "controller/cli/messages.h"

static int run(struct cli *cli, char **operands)
{
    Vmreclaim__Controller__V1__HaltRequest request = VMRECLAIM__CONTROLLER__V1__HALT_REQUEST__INIT;
    struct selected selected;
    bool all;
    int r = halting_take(cli, "halt", operands, &all, &selected);

    request.vms = selected.names;
    request.n_vms = selected.count;
    request.all = all;
    if (r == EXIT_DONE)
        r = halting_call(cli, "Halt", &request.base,
                         "halted: what they lent is given back, and nothing is done to them");
    selected_finish(&selected);
    return r;
}

const struct command command_halt = {
    .name = "halt",
    .operands = "VM...",
    .takes_more = true,
    .selects = true,
    .summary = "stop everything that is done to VMs",
    .description =
        "Gives back what the VMs lent, ends what is under way, and has their agents observe only.\n"
        "Nothing is done to them, by policy or by hand, until they are resumed, also over "
        "restarts\n"
        "of the daemon. A guest whose agent was never given a policy goes on as before.\n"
        "--all is for VMs that come later, too.",
    .example = "vmreclaim halt --all",
    .see_also = "resume; release, which ends a lease only",
    .timeout = 30 * NSEC_PER_SEC,
    .run = run,
};
