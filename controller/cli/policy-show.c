/* vmreclaim policy show NAME, policy show --effective VM */
#include <inttypes.h>
#include <stdio.h>

#include "controller/cli/cli.h"
#include "controller/cli/messages.h"
#include "controller/cli/policy-effective.h"
#include "controller/cli/when.h"

static uint64_t revision;
static bool effective;

static int print(const ProtobufCMessage *message, void *userdata)
{
    const Vmreclaim__Controller__V1__GetPolicyResponse *response = (const void *)message;
    const PolicyRevision *policy = response->policy;
    char time[32];

    if (policy == NULL)
        return fail(EXIT_FAILED, "the daemon answered without a policy");
    fputs("# ", stdout);
    print_text(policy->name);
    printf(", revision %" PRIu64 " of %s", policy->revision,
           when_format(policy->time_ns, time, sizeof(time)));
    if (policy->author[0] != '\0') {
        fputs(" by ", stdout);
        print_text(policy->author);
    }
    if (policy->rolled_back_to != 0)
        printf(", back to revision %" PRIu64, policy->rolled_back_to);
    putchar('\n');
    print_lines(policy->text);
    return EXIT_DONE;
}

static int print_effective(const ProtobufCMessage *message, void *userdata)
{
    return policy_effective_print((const void *)message);
}

static int run(struct cli *cli, char **operands)
{
    Vmreclaim__Controller__V1__GetPolicyRequest stored =
        VMRECLAIM__CONTROLLER__V1__GET_POLICY_REQUEST__INIT;
    Vmreclaim__Controller__V1__GetEffectivePolicyRequest running =
        VMRECLAIM__CONTROLLER__V1__GET_EFFECTIVE_POLICY_REQUEST__INIT;

    if (effective && revision != 0)
        return fail(EXIT_USAGE, "policy show: --effective is about what a VM runs now, --revision "
                                "about what is stored; give one of them");
    stored.name = operands[0];
    stored.revision = revision;
    running.vm = operands[0];
    return effective ? client_call(cli, "GetEffectivePolicy", &running.base, print_effective, NULL)
                     : client_call(cli, "GetPolicy", &stored.base, print, NULL);
}

static const struct command_option options[] = {
    {"effective", 'e', OPTION_FLAG, NULL, "what a VM runs, each value with where it comes from",
     &effective, NULL},
    {"revision", 'r', OPTION_NUMBER, "N", "an older one (default: the newest)", &revision, NULL},
    {NULL, 0, OPTION_FLAG, NULL, NULL, NULL, NULL},
};

const struct command command_policy_show = {
    .name = "policy show",
    .operands = "NAME | -e VM",
    .operand_count = 1,
    .summary = "the text of a stored policy, or what a VM runs",
    .description =
        "Prints a policy as it was applied, with a comment that says which revision it is.\n"
        "What is printed can be applied again.\n"
        "With --effective NAME is a VM. Every key is shown with the value in force there and\n"
        "where it comes from: the profile, the policy's own text, or the guest's own limit. Keys\n"
        "that the agent does not know are marked.",
    .example = "vmreclaim policy show idle > idle.yaml",
    .see_also = "policy history, policy diff",
    .options = options,
    .run = run,
};
