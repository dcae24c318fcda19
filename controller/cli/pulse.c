/* vmreclaim pulse VM... */
#include "controller/cli/action.h"
#include "controller/cli/cli.h"
#include "controller/cli/dry-run.h"

static uint64_t headroom;
static uint64_t min_gain;

static bool is_dry;

static int run(struct cli *cli, char **operands)
{
    Vmreclaim__Controller__V1__PulseVmRequest request =
        VMRECLAIM__CONTROLLER__V1__PULSE_VM_REQUEST__INIT;
    Vmreclaim__Controller__V1__PlanActionRequest plan =
        VMRECLAIM__CONTROLLER__V1__PLAN_ACTION_REQUEST__INIT;

    request.headroom = headroom;
    request.min_gain = min_gain;
    if (is_dry) {
        plan.pulse = &request;
        return dry_run(cli, "pulse", &plan, operands);
    }
    return action_run(cli, "pulse", "Pulse", &request.base, operands);
}

static const struct command_option options[] = {
    {"headroom", 0, OPTION_BYTES, "SIZE", "what stays free in the guest, at least 256 MiB",
     &headroom, NULL},
    {"min-gain", 0, OPTION_BYTES, "SIZE", "do nothing when less could be taken", &min_gain, NULL},
    DRY_RUN_OPTION(&is_dry),
    {NULL, 0, OPTION_FLAG, NULL, NULL, NULL, NULL},
};

const struct command command_pulse = {
    .name = "pulse",
    .operands = "VM...",
    .takes_more = true,
    .selects = true,
    .summary = "return a guest's free memory by its balloon, where it does not report",
    .description =
        "Takes what is free in the guest with its balloon, in small steps and watching it all\n"
        "the time, and gives all of it back at once. The host keeps what it got until the guest\n"
        "uses it again. It ends at once when the guest begins to need memory. For VMs without\n"
        "free page reporting; the page cache is left alone.",
    .example = "vmreclaim pulse web1",
    .see_also = "reclaim, to make cache free first; doctor, for reporting instead",
    .options = options,
    .timeout = 5 * 60 * NSEC_PER_SEC,
    .goes_on = "The action under way goes on to its end.",
    .trace = "vmreclaim actions",
    .run = run,
};
