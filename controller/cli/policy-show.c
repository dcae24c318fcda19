/* vmreclaim policy show NAME */
#include <inttypes.h>
#include <stdio.h>

#include "controller/cli/cli.h"
#include "controller/cli/messages.h"
#include "controller/cli/when.h"

static uint64_t revision;

static int print(const ProtobufCMessage *message, void *userdata)
{
    const Vmreclaim__Controller__V1__GetPolicyResponse *response = (const void *)message;
    const PolicyRevision *policy = response->policy;
    char time[32];

    (void)userdata;
    if (policy == NULL)
        return fail(EXIT_FAILED, "the daemon answered without a policy");
    (void)fputs("# ", stdout);
    print_text(policy->name);
    (void)printf(", revision %" PRIu64 " of %s", policy->revision,
                 when_format(policy->time_ns, time, sizeof(time)));
    if (policy->author[0] != '\0') {
        (void)fputs(" by ", stdout);
        print_text(policy->author);
    }
    if (policy->rolled_back_to != 0)
        (void)printf(", back to revision %" PRIu64, policy->rolled_back_to);
    (void)putchar('\n');
    print_text(policy->text);
    return EXIT_DONE;
}

static int run(struct cli *cli, char **operands)
{
    Vmreclaim__Controller__V1__GetPolicyRequest request =
        VMRECLAIM__CONTROLLER__V1__GET_POLICY_REQUEST__INIT;

    request.name = operands[0];
    request.revision = revision;
    return client_call(cli, "GetPolicy", &request.base, print, NULL);
}

static const struct command_option options[] = {
    {"revision", 'r', OPTION_NUMBER, "N", "an older one (default: the newest)", &revision, NULL},
    {NULL, 0, OPTION_FLAG, NULL, NULL, NULL, NULL},
};

const struct command command_policy_show = {
    .name = "policy show",
    .operands = "NAME",
    .operand_count = 1,
    .summary = "the text of a stored policy",
    .description =
        "Prints a policy as it was applied, with a comment that says which revision it is.\n"
        "What is printed can be applied again.",
    .example = "vmreclaim policy show idle > idle.yaml",
    .see_also = "policy history, policy diff",
    .options = options,
    .run = run,
};
