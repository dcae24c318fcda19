/* vmreclaim resume VM... | --all */
#include "controller/cli/halting.h"
#include "controller/cli/messages.h"

static int run(struct cli *cli, char **operands)
{
    Vmreclaim__Controller__V1__ResumeRequest request =
        VMRECLAIM__CONTROLLER__V1__RESUME_REQUEST__INIT;
    bool all;
    int r = halting_check("resume", operands, &all, &request.n_vms);

    if (r != EXIT_DONE)
        return r;
    request.vms = operands;
    request.all = all;
    return halting_call(cli, "Resume", &request.base, "resumed");
}

const struct command command_resume = {
    .name = "resume",
    .operands = "VM... | --all",
    .takes_more = true,
    .summary = "let halted VMs go on",
    .description = "Ends a halt: their agents get their policies again. What was lent before the\n"
                   "halt stays given back.",
    .example = "vmreclaim resume --all",
    .see_also = "halt",
    .options = halting_options,
    .timeout = 30 * NSEC_PER_SEC,
    .run = run,
};
