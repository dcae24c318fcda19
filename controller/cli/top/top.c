/* vmreclaim top */
#include "controller/cli/top/run.h"

static int run(struct cli *cli, char **operands)
{
    if (!top_may_run(cli))
        return fail(EXIT_USAGE, "top: is for a person at a terminal\n"
                                "For programs: vmreclaim --json host, vmreclaim events -f");
    return top_run(cli, &top_daemon, &top_kind_vms);
}

const struct command command_top = {
    .name = "top",
    .operands = "",
    .summary = "all VMs on one screen, by what they waste; act on one",
    .description =
        "Shows the host, its VMs with what could come back of each, most first, and what\n"
        "happens, anew each second. Enter explains a VM in words; r reclaims, c compacts, p\n"
        "pulses it, each after a question; s sorts, / filters, ? has all keys, q quits. It\n"
        "needs 40 columns and 10 lines. Colours are left out with NO_COLOR. When the daemon\n"
        "goes away it says so and waits for it.",
    .example = "vmreclaim top\n  vmreclaim -H ssh://admin@host2 top",
    .see_also = "host, vm list, explain; events, for programs",
    .run = run,
};
