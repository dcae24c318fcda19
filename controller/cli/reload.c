/* vmreclaim reload */
#include <inttypes.h>
#include <stdio.h>

#include "controller/cli/cli.h"
#include "controller/cli/messages.h"

typedef Vmreclaim__Controller__V1__ReloadResponse Reload;

/* EXIT_PARTIAL: what is right is in force. */
static int code_of(const Reload *response)
{
    return response->n_problems > 0 || response->omitted > 0 ? EXIT_PARTIAL : EXIT_DONE;
}

static int show(const ProtobufCMessage *message, void *userdata)
{
    const struct cli *cli = userdata;
    const Reload *response = (const void *)message;

    if (cli->json) {
        int r = print_json(message);
        return r == EXIT_DONE ? code_of(response) : r;
    }
    for (size_t i = 0; i < response->n_problems; i++)
        (void)fail(EXIT_PARTIAL, "not in force: %s", response->problems[i]->reason);
    if (response->omitted > 0)
        (void)fail(EXIT_PARTIAL, "and %" PRIu32 " more", response->omitted);
    if (code_of(response) == EXIT_DONE)
        printf("configuration and %" PRIu32 " VMs are in force\n", response->vms);
    return code_of(response);
}

static int run(struct cli *cli, char **operands)
{
    Vmreclaim__Controller__V1__ReloadRequest request =
        VMRECLAIM__CONTROLLER__V1__RELOAD_REQUEST__INIT;

    return client_fetch(cli, "Reload", &request.base, show, cli);
}

const struct command command_reload = {
    .name = "reload",
    .operands = "",
    .summary = "read configuration and VM files again",
    .description =
        "The daemon reads its configuration, the VM files and their policies, and looks for\n"
        "hypervisors. Each file is in force as a whole, or what it said before stays; what is not\n"
        "in force is printed, and the exit status is 7. `systemctl reload vmreclaimd` does this.",
    .example = "vmreclaim reload",
    .see_also = "status, which shows what is wrong until it is mended; vmreclaimd --check",
    .timeout = 60 * NSEC_PER_SEC,
    .goes_on = "The daemon reads on.",
    .trace = "vmreclaim status",
    .run = run,
};
