/* vmreclaim policy rollback NAME */
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "controller/cli/cli.h"
#include "controller/cli/messages.h"
#include "controller/cli/policy-results.h"

static uint64_t to;

typedef Vmreclaim__Controller__V1__RollBackPolicyResponse Response;

static int print(const Response *response)
{
    if (response->policy == NULL)
        return fail(EXIT_FAILED, "the daemon answered without a policy");
    fputs("policy ", stdout);
    print_text(response->policy->name);
    printf(": revision %" PRIu64 " has the text of revision %" PRIu64 "\n",
           response->policy->revision, response->policy->rolled_back_to);
    return policy_results_print(response->results, response->n_results, response->vms,
                                response->n_vms, response->results_omitted);
}

static int show(const ProtobufCMessage *message, void *userdata)
{
    const struct cli *cli = userdata;
    const Response *response = (const void *)message;

    return cli->json ? policy_results_json(message, response->results, response->n_results)
                     : print(response);
}

static int run(struct cli *cli, char **operands)
{
    Vmreclaim__Controller__V1__RollBackPolicyRequest request =
        VMRECLAIM__CONTROLLER__V1__ROLL_BACK_POLICY_REQUEST__INIT;
    const char *author = getlogin();

    request.name = operands[0];
    request.revision = to;
    request.author = (char *)(author == NULL ? "" : author);
    return client_fetch(cli, "RollBackPolicy", &request.base, show, cli);
}

static const struct command_option options[] = {
    {"to", 0, OPTION_NUMBER, "N", "the revision (default: the one before the newest)", &to, NULL},
    {NULL, 0, OPTION_FLAG, NULL, NULL, NULL, NULL},
};

const struct command command_policy_rollback = {
    .name = "policy rollback",
    .operands = "NAME",
    .operand_count = 1,
    .summary = "back to an older revision",
    .description =
        "Stores the text of an older revision as the newest one and gives it to the VMs that the\n"
        "policy is assigned to. Says of each whether it is in force. The history keeps all\n"
        "revisions, so this can be taken back too.",
    .example = "vmreclaim policy rollback idle --to 3",
    .see_also = "policy history, policy diff",
    .options = options,
    .timeout = 30 * NSEC_PER_SEC,
    .goes_on = "What the daemon has taken is stored, and given to the VMs.",
    .trace = "vmreclaim policy list",
    .run = run,
};
