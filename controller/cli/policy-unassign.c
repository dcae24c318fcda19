/* vmreclaim policy unassign SELECTOR */
#include <stdio.h>

#include "controller/cli/cli.h"
#include "controller/cli/messages.h"

static int print(const ProtobufCMessage *message, void *userdata)
{
    const Vmreclaim__Controller__V1__UnassignPolicyResponse *response = (const void *)message;

    (void)fputs("policy ", stdout);
    print_text(response->policy);
    (void)fputs(" is no longer assigned to ", stdout);
    print_text(userdata);
    (void)putchar('\n');
    for (size_t i = 0; i < response->n_vms; i++) {
        (void)fputs(i == 0 ? "another holds now for: " : ", ", stdout);
        print_text(response->vms[i]);
    }
    if (response->n_vms > 0)
        (void)putchar('\n');
    return EXIT_DONE;
}

static int run(struct cli *cli, char **operands)
{
    Vmreclaim__Controller__V1__UnassignPolicyRequest request =
        VMRECLAIM__CONTROLLER__V1__UNASSIGN_POLICY_REQUEST__INIT;

    request.selector = operands[0];
    return client_call(cli, "UnassignPolicy", &request.base, print, operands[0]);
}

const struct command command_policy_unassign = {
    .name = "policy unassign",
    .operands = "VM",
    .operand_count = 1,
    .summary = "a policy is no longer for a VM, a glob or a label",
    .description =
        "Removes an assignment, as policy list shows it: a VM, a glob (\"web-*\") or\n"
        "label:KEY=VALUE. VMs that another assignment is for get that policy; others keep what\n"
        "they run until one is assigned.",
    .example = "vmreclaim policy unassign 'web-*'",
    .see_also = "policy list, policy apply",
    .run = run,
};
