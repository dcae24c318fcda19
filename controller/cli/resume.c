/* vmreclaim resume VM... */
#include "controller/cli/halting.h"
#include "controller/cli/messages.h"

static int run(struct cli *cli, char **operands)
{
    Vmreclaim__Controller__V1__ResumeRequest request =
        VMRECLAIM__CONTROLLER__V1__RESUME_REQUEST__INIT;
    struct selected selected;
    bool all;
    int r = halting_take(cli, "resume", operands, &all, &selected);

    request.vms = selected.names;
    request.n_vms = selected.count;
    request.all = all;
    if (r == EXIT_DONE)
        r = halting_call(cli, "Resume", &request.base, "resumed");
    selected_finish(&selected);
    return r;
}

const struct command command_resume = {
    .name = "resume",
    .operands = "VM...",
    .takes_more = true,
    .selects = true,
    .summary = "let halted VMs go on",
    .description = "Ends a halt: their agents get their policies again. What was lent before the\n"
                   "halt stays given back. --all is for VMs that come later, too.",
    .example = "vmreclaim resume --all",
    .see_also = "halt",
    .timeout = 30 * NSEC_PER_SEC,
    .run = run,
};
