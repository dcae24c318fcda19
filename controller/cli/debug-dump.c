/* vmreclaim debug dump */
#include <stdio.h>

#include "common/base/cleanup.h"
#include "controller/cli/cli.h"
#include "controller/cli/document.h"
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

static int collect(const ProtobufCMessage *message, void *userdata)
{
    const Vmreclaim__Controller__V1__DumpStateResponse *piece = (const void *)message;

    return fwrite(piece->text.data, 1, piece->text.len, userdata) == piece->text.len
               ? EXIT_DONE
               : fail(EXIT_FAILED, "out of memory");
}

/* Another form takes all of it. */
static int run_for_document(struct cli *plain, const ProtobufCMessage *request)
{
    cleanup_free char *text = NULL;
    size_t length;
    FILE *memory = open_memstream(&text, &length);
    int r;

    if (memory == NULL)
        return fail(EXIT_FAILED, "out of memory");
    r = client_stream(plain, "DumpState", request, collect, memory);
    if (fclose(memory) != 0 && r == EXIT_DONE)
        r = fail(EXIT_FAILED, "out of memory");
    return r == EXIT_DONE ? print_document(json_loadb(text, length, 0, NULL)) : r;
}

static int run(struct cli *cli, char **operands)
{
    Vmreclaim__Controller__V1__DumpStateRequest request =
        VMRECLAIM__CONTROLLER__V1__DUMP_STATE_REQUEST__INIT;
    struct cli plain = *cli;

    plain.json = false;
    if (cli->json)
        return run_for_document(&plain, &request.base);
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
