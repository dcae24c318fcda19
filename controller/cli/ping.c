/* vmreclaim ping VM... */
#include <stdio.h>

#include "controller/cli/cli.h"
#include "controller/cli/messages.h"
#include "controller/cli/selector.h"

static int print(const ProtobufCMessage *message, void *userdata)
{
    const Vmreclaim__Controller__V1__PingVmResponse *response = (const void *)message;

    print_text(userdata);
    printf(": the agent answered in %.2f ms; the guest is up for %.0f s\n",
           (double)response->round_trip_ns / 1e6, (double)response->guest_boottime_ns / 1e9);
    return EXIT_DONE;
}

static int ping(struct cli *cli, const char *vm)
{
    Vmreclaim__Controller__V1__PingVmRequest request =
        VMRECLAIM__CONTROLLER__V1__PING_VM_REQUEST__INIT;

    request.vm = (char *)vm;
    return client_call(cli, "PingVm", &request.base, print, (void *)vm);
}

static int run(struct cli *cli, char **operands)
{
    return selector_show_each(cli, "ping", operands, ping);
}

const struct command command_ping = {
    .name = "ping",
    .operands = "VM...",
    .takes_more = true,
    .selects = true,
    .summary = "does the agent answer, and how fast",
    .description = "Asks the agent in the guest for an answer and prints how long it took.",
    .example = "vmreclaim ping web1",
    .see_also = "vm show, for why an agent may be missing",
    .run = run,
};
