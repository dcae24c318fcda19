/* vmreclaim status */
#include <inttypes.h>
#include <stdio.h>

#include "common/base/number.h"
#include "controller/cli/cli.h"
#include "controller/cli/messages.h"
#include "controller/cli/when.h"

typedef Vmreclaim__Controller__V1__GetStatusResponse Status;

static void print_bytes(const char *name, uint64_t bytes)
{
    char text[32];

    if (bytes != 0)
        (void)printf("%-11s %s\n", name, bytes_format_short(bytes, text, sizeof(text)));
}

static void print_store(const Status *status)
{
    char text[32];

    if (status->store_path[0] == '\0')
        return;
    (void)fputs("store       ", stdout);
    print_text(status->store_path);
    (void)printf(", %s, schema %u", bytes_format_short(status->store_bytes, text, sizeof(text)),
                 status->store_schema);
    if (status->store_pending != 0)
        (void)printf(", %" PRIu64 " records wait", status->store_pending);
    (void)putchar('\n');
}

static void print_degraded(const Status *status)
{
    char text[32];

    for (size_t i = 0; i < status->n_degraded; i++) {
        (void)printf("%s", i == 0 ? "\n"
                                    "does not work as it should:\n"
                                  : "");
        (void)printf("  %s  ", when_format(status->degraded[i]->since_ns, text, sizeof(text)));
        print_text(status->degraded[i]->part);
        (void)fputs(": ", stdout);
        print_text(status->degraded[i]->reason);
        (void)putchar('\n');
    }
}

/* EXIT_PARTIAL while something is degraded, so that scripts and monitors see it. */
static int show(const ProtobufCMessage *message, void *userdata)
{
    const struct cli *cli = userdata;
    const Status *status = (const void *)message;
    int code = status->n_degraded > 0 ? EXIT_PARTIAL : EXIT_DONE;
    char text[32];

    if (cli->json) {
        int r = print_json(message);
        return r == EXIT_DONE ? code : r;
    }
    (void)fputs("vmreclaimd  ", stdout);
    print_text(status->version);
    (void)printf(", process %d, since %s\n", status->pid,
                 when_format(status->started_ns, text, sizeof(text)));
    for (size_t i = 0; i < status->n_listening; i++) {
        (void)fputs(i == 0 ? "listens on  " : ", ", stdout);
        print_text(status->listening[i]);
    }
    (void)printf("%sVMs         %u, agents %u, balloon leases %u\n",
                 status->n_listening > 0 ? "\n" : "", status->vms, status->agents, status->leases);
    print_bytes("footprint", status->footprint);
    print_bytes("available", status->host_available);
    print_bytes("own memory", status->resident_bytes);
    (void)printf("own CPU     %.1f s\n", (double)status->cpu_ns / 1e9);
    (void)printf("actions     %" PRIu64 ", events %" PRIu64 "\n", status->actions, status->events);
    print_store(status);
    print_degraded(status);
    return code;
}

static int run(struct cli *cli, char **operands)
{
    Vmreclaim__Controller__V1__GetStatusRequest request =
        VMRECLAIM__CONTROLLER__V1__GET_STATUS_REQUEST__INIT;

    return client_fetch(cli, "GetStatus", &request.base, show, cli);
}

const struct command command_status = {
    .name = "status",
    .operands = "",
    .summary = "how the daemon itself is doing",
    .description =
        "Shows the daemon's version, what it listens on, what it costs, its store, and what does\n"
        "not work as it should and what to do about it. The exit status is 7 while something is\n"
        "degraded.",
    .example = "vmreclaim status",
    .see_also = "debug dump, for everything; journalctl -u vmreclaimd",
    .run = run,
};
