/* vmreclaim policy apply FILE */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/cleanup.h"
#include "controller/cli/cli.h"
#include "controller/cli/messages.h"
#include "controller/cli/policy-file.h"
#include "controller/cli/policy-results.h"

static const char *vm = "";

typedef Vmreclaim__Controller__V1__ApplyVmPolicyResponse Response;

/* Nobody is meant: said aloud, for a selector with a slip in it looks the same. */
static void print_none(void)
{
    if (vm[0] == '\0')
        puts("it is assigned to no VM yet; assign it with --vm");
    else
        (void)fail(EXIT_DONE,
                   "warning: \"%s\" means no VM now; those that come later will get the policy",
                   vm);
}

static int print(const Response *response)
{
    fputs("policy ", stdout);
    print_text(response->name);
    printf(", revision %" PRIu64 ", is stored\n", response->revision);
    if (response->selects_none || (response->n_results == 0 && response->n_vms == 0))
        print_none();
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
    Vmreclaim__Controller__V1__ApplyVmPolicyRequest request =
        VMRECLAIM__CONTROLLER__V1__APPLY_VM_POLICY_REQUEST__INIT;
    cleanup_free char *text = NULL;
    const char *author = getlogin();

    int r = policy_file_read(operands[0], &text);
    if (r != EXIT_DONE)
        return r;
    request.vm = (char *)vm;
    request.source = text;
    request.source_name = operands[0];
    request.author = (char *)(author == NULL ? "" : author);
    return client_fetch(cli, "ApplyPolicy", &request.base, show, cli);
}

static const struct command_option options[] = {
    {"vm", 0, OPTION_TEXT, "VM", "for this VM, a glob (\"web-*\") or label:KEY=VALUE", &vm, NULL},
    {NULL, 0, OPTION_FLAG, NULL, NULL, NULL, NULL},
};

const struct command command_policy_apply = {
    .name = "policy apply",
    .operands = "FILE --vm VM",
    .operand_count = 1,
    .summary = "put a policy in force",
    .description =
        "Checks the file, stores it as a new revision of the policy it names, and assigns it. "
        "Then\n"
        "says of each VM whether the policy is in force there; a guest whose agent is away gets "
        "it\n"
        "when the agent is back. The daemon keeps the text: changing the file later changes\n"
        "nothing until it is applied again. Without --vm it goes to the VMs that it is assigned\n"
        "to already. Ends with 5 when no agent took it, with 7 when some did not.",
    .example = "vmreclaim policy apply idle.yaml --vm web1",
    .see_also = "policy check, before; policy history and rollback, after",
    .options = options,
    .timeout = 30 * NSEC_PER_SEC,
    .run = run,
};
