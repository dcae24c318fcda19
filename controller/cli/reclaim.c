/* vmreclaim reclaim VM... */
#include "controller/cli/action.h"
#include "controller/cli/cli.h"
#include "controller/cli/dry-run.h"

static uint64_t bytes;
static bool drop;

static bool is_dry;

static int run(struct cli *cli, char **operands)
{
    Vmreclaim__Controller__V1__ReclaimVmRequest request =
        VMRECLAIM__CONTROLLER__V1__RECLAIM_VM_REQUEST__INIT;
    Vmreclaim__Controller__V1__PlanActionRequest plan =
        VMRECLAIM__CONTROLLER__V1__PLAN_ACTION_REQUEST__INIT;

    request.bytes = bytes;
    request.drop = drop;
    if (is_dry) {
        plan.reclaim = &request;
        return dry_run(cli, "reclaim", &plan, operands);
    }
    return action_run(cli, "reclaim", "Reclaim", &request.base, operands);
}

static const struct command_option options[] = {
    {"bytes", 0, OPTION_BYTES, "N", "take N, coldest first (default: down to the cache floor)",
     &bytes, NULL},
    {"drop", 0, OPTION_FLAG, NULL, "drop all clean cache at once, hot or cold", &drop, NULL},
    DRY_RUN_OPTION(&is_dry),
    {NULL, 0, OPTION_FLAG, NULL, NULL, NULL, NULL},
};

const struct command command_reclaim = {
    .name = "reclaim",
    .operands = "VM...",
    .takes_more = true,
    .selects = true,
    .summary = "take file cache that a guest does not need",
    .description =
        "Makes the guest give up file cache, coldest pages first, waits for the memory to be\n"
        "returned, and measures on the host what arrived. Nothing is lost: what is needed again\n"
        "is read from disk again. Dirty and mapped pages stay. --drop takes everything clean at\n"
        "once; the guest will read much of it again.",
    .example = "vmreclaim reclaim web1 --bytes 1GiB",
    .see_also = "compact, when the memory is free but trapped; explain",
    .options = options,
    .timeout = 5 * 60 * NSEC_PER_SEC,
    .goes_on = "The action under way goes on to its end.",
    .trace = "vmreclaim actions",
    .run = run,
};
