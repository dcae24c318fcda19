/* vmreclaim version */
#include <stdio.h>
#include <string.h>

#include "controller/cli/cli.h"
#include "controller/cli/document.h"
#include "controller/cli/messages.h"
#include "controller/json/json.h"

static int print(const ProtobufCMessage *message, void *userdata)
{
    const Vmreclaim__Controller__V1__GetStatusResponse *status = (const void *)message;
    const struct cli *cli = userdata;

    if (cli->json)
        return print_document(json_pack("{s:s, s:o}", "vmreclaim", VMRECLAIM_VERSION, "vmreclaimd",
                                        json_text(status->version, strlen(status->version))));
    printf("vmreclaim  %s\nvmreclaimd ", VMRECLAIM_VERSION);
    print_text(status->version);
    printf("\n");
    return EXIT_DONE;
}

static int run(struct cli *cli, char **operands)
{
    Vmreclaim__Controller__V1__GetStatusRequest request =
        VMRECLAIM__CONTROLLER__V1__GET_STATUS_REQUEST__INIT;
    int code = client_fetch(cli, "GetStatus", &request.base, print, cli);

    if (code != EXIT_DONE && !cli->json)
        printf("vmreclaim  %s\n", VMRECLAIM_VERSION);
    return code;
}

const struct command command_version = {
    .name = "version",
    .operands = "",
    .summary = "the version of this program and of the daemon",
    .description =
        "Prints the version of this program and of the daemon that it reaches. The two may\n"
        "be one release apart. `vmreclaim --version` asks no daemon.",
    .example = "vmreclaim version",
    .see_also = "status",
    .run = run,
};
