/* vmreclaim debug dump */
#include <stdio.h>

#include "controller/cli/cli.h"
#include "controller/cli/messages.h"

/* The text is JSON already, in pieces. */
static int print(const ProtobufCMessage *message, void *userdata)
{
    const Vmreclaim__Controller__V1__DumpStateResponse *piece = (const void *)message;

    print_json_text((const char *)piece->text.data, piece->text.len);
    if (ferror(stdout))
        return fail(EXIT_FAILED, "cannot write to standard output");
    return EXIT_DONE;
}

static int run(struct cli *cli, char **operands)
{
    Vmreclaim__Controller__V1__DumpStateRequest request =
        VMRECLAIM__CONTROLLER__V1__DUMP_STATE_REQUEST__INIT;
    struct cli plain = *cli;

    plain.json = false;
    int r = client_stream(&plain, "DumpState", &request.base, print, NULL);
    if (r == EXIT_DONE)
        putchar('\n');
    return r;
}

const struct command command_debug_dump = {
    .name = "debug dump",
    .operands = "",
    .summary = "the daemon's whole state, for a bug report",
    .description =
        "Prints everything the daemon knows as one JSON document. It holds the names of VMs,\n"
        "users and files, and no memory of any guest.",
    .example = "vmreclaim debug dump > dump.json",
    .see_also = "status",
    .timeout = 30 * NSEC_PER_SEC,
    .run = run,
};
