/* vmreclaim reporting VM... */
#include "controller/cli/action.h"
#include "controller/cli/cli.h"

static uint64_t order;
static bool order_is_given;
static bool restore;
static bool kick;

static int run(struct cli *cli, char **operands)
{
    Vmreclaim__Controller__V1__SetReportingVmRequest request =
        VMRECLAIM__CONTROLLER__V1__SET_REPORTING_VM_REQUEST__INIT;

    if (order_is_given && restore)
        return fail(EXIT_USAGE, "reporting: --order and --restore exclude each other");
    if (!order_is_given && !restore && !kick)
        return fail(EXIT_USAGE, "reporting: say what to do: --order N, --restore or --kick\n"
                                "More: vmreclaim reporting --help");
    if (order > 63)
        return fail(EXIT_USAGE, "reporting: --order: no kernel has blocks of order %u",
                    (unsigned)min_of(order, (uint64_t)UINT32_MAX));
    request.set_order = order_is_given;
    request.order = (uint32_t)order;
    request.restore = restore;
    request.kick = kick;
    return action_run(cli, "reporting", "SetReporting", &request.base, operands);
}

static const struct command_option options[] = {
    {"order", 0, OPTION_NUMBER, "N", "report free blocks of 2^N pages and larger", &order,
     &order_is_given},
    {"restore", 0, OPTION_FLAG, NULL, "back to the order found when the agent started", &restore,
     NULL},
    {"kick", 0, OPTION_FLAG, NULL, "start a reporting pass now", &kick, NULL},
    {NULL, 0, OPTION_FLAG, NULL, NULL, NULL, NULL},
};

const struct command command_reporting = {
    .name = "reporting",
    .operands = "VM...",
    .takes_more = true,
    .selects = true,
    .summary = "how small a free block may be and still be returned",
    .description =
        "The guest's kernel reports free blocks to the hypervisor from a certain size on, 2 MiB\n"
        "(order 9 of 4 KiB pages) by default. A lower order returns smaller pieces, at a price in\n"
        "guest CPU. The order is clamped to what the policy allows and what the host's backing\n"
        "makes useful. A pass starts only when something is freed; --kick starts one.",
    .example = "vmreclaim reporting web1 --order 5 --kick",
    .see_also = "compact, which is cheaper where it works; explain",
    .options = options,
    .timeout = 2 * 60 * NSEC_PER_SEC,
    .goes_on = "The action under way goes on to its end.",
    .trace = "vmreclaim actions",
    .run = run,
};
