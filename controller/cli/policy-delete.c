/* vmreclaim policy delete NAME */
#include <stdio.h>

#include "common/base/util.h"
#include "controller/cli/policy-results.h"

static bool unassign;

typedef Vmreclaim__Controller__V1__DeletePolicyResponse Response;

/* A person reads the first ones. */
enum { SELECTORS_SHOWN = 20 };

static void print_selectors(const Response *response)
{
    size_t shown = min_of(response->n_selectors, (size_t)SELECTORS_SHOWN);
    size_t more = response->n_selectors - shown + response->selectors_omitted;

    for (size_t i = 0; i < shown; i++) {
        fputs(i == 0 ? "\nit was assigned to " : ", ", stdout);
        print_text(response->selectors[i]);
    }
    if (more > 0)
        printf(" and %zu more", more);
}

static void print_head(const ProtobufCMessage *answer, const char *name)
{
    fputs("policy ", stdout);
    print_text(name);
    fputs(" is deleted, with its history", stdout);
    print_selectors((const Response *)(const void *)answer);
}

static int show(const ProtobufCMessage *message, void *userdata)
{
    const Response *response = (const void *)message;

    return policy_results_show(userdata, message, response->results, response->n_results,
                               response->results_omitted);
}

static int run(struct cli *cli, char **operands)
{
    Vmreclaim__Controller__V1__DeletePolicyRequest request =
        VMRECLAIM__CONTROLLER__V1__DELETE_POLICY_REQUEST__INIT;
    struct policy_withdrawal withdrawal = {cli, operands[0], print_head};

    request.name = operands[0];
    request.unassign = unassign;
    return client_fetch(cli, "DeletePolicy", &request.base, show, &withdrawal);
}

static const struct command_option options[] = {
    {"unassign", 0, OPTION_FLAG, NULL, "take it from everybody that it is assigned to, first",
     &unassign, NULL},
    {NULL, 0, OPTION_FLAG, NULL, NULL, NULL, NULL},
};

const struct command command_policy_delete = {
    .name = "policy delete",
    .operands = "NAME",
    .operand_count = 1,
    .summary = "remove a stored policy and its history",
    .description =
        "Removes all revisions of a policy. One that is assigned is refused, and says to whom;\n"
        "with --unassign it is taken away first, and VMs get what else is for them: another\n"
        "assignment's policy, what their own file names, or their agent's own configuration.\n"
        "Each of them is said. Nothing brings the history back; policy show keeps a text.",
    .example = "vmreclaim policy delete idle --unassign",
    .see_also = "policy list, policy unassign; policy show, to keep the text",
    .options = options,
    .timeout = 30 * NSEC_PER_SEC,
    .goes_on = "What the daemon has taken is stored, and given to the VMs.",
    .trace = "vmreclaim policy list",
    .run = run,
};
