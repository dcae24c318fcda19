/* vmreclaim compact VM... */
#include "controller/cli/action.h"
#include "controller/cli/cli.h"
#include "controller/cli/dry-run.h"

static nsec_t time_limit;
static bool force;

static bool is_dry;

static int run(struct cli *cli, char **operands)
{
    Vmreclaim__Controller__V1__CompactVmRequest request =
        VMRECLAIM__CONTROLLER__V1__COMPACT_VM_REQUEST__INIT;
    Vmreclaim__Controller__V1__PlanActionRequest plan =
        VMRECLAIM__CONTROLLER__V1__PLAN_ACTION_REQUEST__INIT;

    request.time_limit_ns = time_limit;
    request.force = force;
    if (is_dry) {
        plan.compact = &request;
        return dry_run(cli, "compact", &plan, operands);
    }
    return action_run(cli, "compact", "Compact", &request.base, operands);
}

static const struct command_option options[] = {
    {"time-limit", 0, OPTION_DURATION, "D", "stop after D (default: the policy's)", &time_limit,
     NULL},
    {"force", 'f', OPTION_FLAG, NULL, "also when little is to be gained", &force, NULL},
    DRY_RUN_OPTION(&is_dry),
    {NULL, 0, OPTION_FLAG, NULL, NULL, NULL, NULL},
};

const struct command command_compact = {
    .name = "compact",
    .operands = "VM...",
    .takes_more = true,
    .selects = true,
    .summary = "join a guest's free memory so that it can be returned",
    .description =
        "Free memory in small pieces cannot be returned: it is TRAPPED. This makes the guest's\n"
        "kernel move pages together until whole blocks are free, waits for the blocks to be\n"
        "returned, and measures on the host what arrived. The guest works on; it costs it about\n"
        "a second of CPU per few GiB.",
    .example = "vmreclaim compact web1 --time-limit 10s",
    .see_also = "reclaim, for cache; reporting, when pieces stay small; explain",
    .options = options,
    .timeout = 5 * 60 * NSEC_PER_SEC,
    .goes_on = "The action under way goes on to its end.",
    .trace = "vmreclaim actions",
    .run = run,
};
