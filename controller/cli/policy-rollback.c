/* vmreclaim policy rollback NAME */
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "controller/cli/cli.h"
#include "controller/cli/messages.h"

static uint64_t to;

static int print(const ProtobufCMessage *message, void *userdata)
{
    const Vmreclaim__Controller__V1__RollBackPolicyResponse *response = (const void *)message;

    if (response->policy == NULL)
        return fail(EXIT_FAILED, "the daemon answered without a policy");
    (void)fputs("policy ", stdout);
    print_text(response->policy->name);
    (void)printf(": revision %" PRIu64 " has the text of revision %" PRIu64 "\n",
                 response->policy->revision, response->policy->rolled_back_to);
    for (size_t i = 0; i < response->n_vms; i++) {
        (void)fputs(i == 0 ? "in force for: " : ", ", stdout);
        print_text(response->vms[i]);
    }
    if (response->n_vms > 0)
        (void)putchar('\n');
    return EXIT_DONE;
}

static int run(struct cli *cli, char **operands)
{
    Vmreclaim__Controller__V1__RollBackPolicyRequest request =
        VMRECLAIM__CONTROLLER__V1__ROLL_BACK_POLICY_REQUEST__INIT;
    const char *author = getlogin();

    request.name = operands[0];
    request.revision = to;
    request.author = (char *)(author == NULL ? "" : author);
    return client_call(cli, "RollBackPolicy", &request.base, print, NULL);
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
        "Stores the text of an older revision as the newest one and puts it in force. The\n"
        "history keeps all of them, so this can be taken back too.",
    .example = "vmreclaim policy rollback idle --to 3",
    .see_also = "policy history, policy diff",
    .options = options,
    .timeout = 30 * NSEC_PER_SEC,
    .run = run,
};
