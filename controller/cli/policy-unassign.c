/* vmreclaim policy unassign SELECTOR */
#include <stdio.h>

#include "controller/cli/policy-results.h"

typedef Vmreclaim__Controller__V1__UnassignPolicyResponse Response;

static void print_head(const ProtobufCMessage *answer, const char *selector)
{
    fputs("policy ", stdout);
    print_text(((const Response *)(const void *)answer)->policy);
    fputs(" is no longer assigned to ", stdout);
    print_text(selector);
}

static int show(const ProtobufCMessage *message, void *userdata)
{
    const Response *response = (const void *)message;

    return policy_results_show(userdata, message, response->results, response->n_results,
                               response->results_omitted);
}

static int run(struct cli *cli, char **operands)
{
    Vmreclaim__Controller__V1__UnassignPolicyRequest request =
        VMRECLAIM__CONTROLLER__V1__UNASSIGN_POLICY_REQUEST__INIT;
    struct policy_withdrawal withdrawal = {cli, operands[0], print_head};

    request.selector = operands[0];
    return client_fetch(cli, "UnassignPolicy", &request.base, show, &withdrawal);
}

const struct command command_policy_unassign = {
    .name = "policy unassign",
    .operands = "VM|GLOB|LABEL",
    .operand_count = 1,
    .summary = "a policy is no longer for a VM, a glob or a label",
    .description =
        "Removes an assignment, as policy list shows it: a VM, a glob (\"web-*\") or\n"
        "label:KEY[=VALUE]. VMs that another assignment is for get that policy; others what\n"
        "their own file names, else none: their agents run their own configuration.",
    .example = "vmreclaim policy unassign 'web-*'",
    .see_also = "policy list, policy apply",
    .timeout = 30 * NSEC_PER_SEC,
    .goes_on = "What the daemon has taken is stored, and given to the VMs.",
    .trace = "vmreclaim policy list",
    .run = run,
};
