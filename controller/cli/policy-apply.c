/* vmreclaim policy apply FILE */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/cleanup.h"
#include "controller/cli/cli.h"
#include "controller/cli/messages.h"
#include "controller/cli/policy-file.h"

static const char *vm = "";

static void print_list(const char *before, char *const *items, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        (void)fputs(i == 0 ? before : ", ", stdout);
        print_text(items[i]);
    }
    if (count > 0)
        (void)putchar('\n');
}

static int print(const ProtobufCMessage *message, void *userdata)
{
    const Vmreclaim__Controller__V1__ApplyVmPolicyResponse *response = (const void *)message;

    (void)fputs("policy ", stdout);
    print_text(response->name);
    (void)printf(", revision %" PRIu64 ": %s\n", response->revision,
                 response->pending ? "stored; it goes to the guest when its agent is back"
                 : vm[0] == '\0'   ? "stored"
                                   : "in force");
    print_list("assigned to: ", response->vms, response->n_vms);
    print_list("the guest does not know: ", response->unsupported_keys,
               response->n_unsupported_keys);
    print_list("capped by the guest's own configuration: ", response->capped_keys,
               response->n_capped_keys);
    return EXIT_DONE;
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
    return client_call(cli, "ApplyPolicy", &request.base, print, NULL);
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
        "Checks the file, stores it as a new revision of the policy it names, and assigns it. The\n"
        "guest runs it at once, or when its agent is back. The daemon keeps the text: changing\n"
        "the file later changes nothing until it is applied again. Without --vm it is only "
        "stored;\n"
        "VMs it is already assigned to get the new revision.",
    .example = "vmreclaim policy apply idle.yaml --vm web1",
    .see_also = "policy check, before; policy history and rollback, after",
    .options = options,
    .timeout = 30 * NSEC_PER_SEC,
    .run = run,
};
