/* vmreclaim balloon VM... SIZE */
#include "common/base/number.h"
#include "controller/cli/action.h"
#include "controller/cli/cli.h"
#include "controller/cli/dry-run.h"

static nsec_t duration;
static const char *owner = "";

static bool is_dry;

static int run(struct cli *cli, char **operands)
{
    Vmreclaim__Controller__V1__SetBalloonRequest request =
        VMRECLAIM__CONTROLLER__V1__SET_BALLOON_REQUEST__INIT;
    Vmreclaim__Controller__V1__PlanActionRequest plan =
        VMRECLAIM__CONTROLLER__V1__PLAN_ACTION_REQUEST__INIT;
    char problem[80];

    char **last = operands;

    while (last[1] != NULL)
        last++;
    if (bytes_parse(*last, &request.size) < 0)
        return fail(EXIT_USAGE, "balloon: \"%s\" %s", *last,
                    bytes_problem(*last, problem, sizeof(problem)));
    *last = NULL;
    if (request.size == 0)
        return fail(EXIT_USAGE, "balloon: SIZE is what the guest keeps; it cannot be 0");
    request.duration_ns = duration;
    request.owner = (char *)owner;
    if (is_dry) {
        plan.balloon = &request;
        return dry_run(cli, "balloon", &plan, operands);
    }
    return action_run(cli, "balloon", "SetBalloon", &request.base, operands);
}

static const struct command_option options[] = {
    {"for", 0, OPTION_DURATION, "D", "give it back by itself after D", &duration, NULL},
    {"owner", 0, OPTION_TEXT, "NAME", "who holds the lease (default: you)", &owner, NULL},
    DRY_RUN_OPTION(&is_dry),
    {NULL, 0, OPTION_FLAG, NULL, NULL, NULL, NULL},
};

const struct command command_balloon = {
    .name = "balloon",
    .operands = "VM... SIZE",
    .operand_count = 1,
    .takes_more = true,
    .selects = true,
    .summary = "take memory from a guest, under a lease",
    .description =
        "Shrinks the guest to SIZE with its balloon, never below the VM's floor. The memory is\n"
        "held under a lease that survives restarts of the daemon. It is given back on expiry, by\n"
        "`release`, when the guest comes under pressure, and when it is reset.",
    .example = "vmreclaim balloon web1 2GiB --for 10m",
    .see_also = "release; explain, for a size that is safe",
    .options = options,
    .timeout = 5 * 60 * NSEC_PER_SEC,
    .goes_on = "The action under way goes on to its end.",
    .trace = "vmreclaim actions",
    .run = run,
};
