/* vmreclaim status */
#include <inttypes.h>
#include <stdio.h>

#include "common/base/number.h"
#include "controller/cli/cli.h"
#include "controller/cli/messages.h"
#include "controller/cli/table.h"
#include "controller/cli/when.h"

typedef Vmreclaim__Controller__V1__GetStatusResponse Status;
typedef Vmreclaim__Fleet__V1__Applied Applied;
typedef Vmreclaim__Fleet__V1__AppliedPolicy AppliedPolicy;

static void add_bytes(struct table *table, const char *name, uint64_t bytes)
{
    if (bytes == 0)
        return;
    table_row(table);
    table_cell(table, "%s", name);
    table_bytes(table, true, bytes);
}

static void add_listening(struct table *table, const Status *status)
{
    for (size_t i = 0; i < status->n_listening; i++) {
        table_row(table);
        table_cell(table, "%s", i == 0 ? "listens on" : "");
        table_cell(table, "%s", status->listening[i]);
    }
}

static void add_store(struct table *table, const Status *status)
{
    char size[32];
    char pending[48] = "";

    if (status->store_path[0] == '\0')
        return;
    if (status->store_pending != 0)
        snprintf(pending, sizeof(pending), ", %" PRIu64 " records wait", status->store_pending);
    table_row(table);
    table_cell(table, "store");
    table_cell(table, "%s, %s, schema %u%s", status->store_path,
               bytes_format_short(status->store_bytes, size, sizeof(size)), status->store_schema,
               pending);
}

static void add_fleet(struct table *table, const Applied *fleet)
{
    char since[32];
    char key[2 * 8 + 1] = "";

    if (fleet == NULL)
        return;
    table_row(table);
    table_cell(table, "fleet");
    for (size_t i = 0; i < min_of(fleet->key.len, (size_t)8); i++)
        snprintf(key + 2 * i, 3, "%02x", fleet->key.data[i]);
    if (fleet->generation == 0)
        table_cell(table, "this host is %s; nothing was taken yet", fleet->host);
    else
        table_cell(table, "this host is %s; state %" PRIu64 " since %s, of key %s, %zu %s",
                   fleet->host, fleet->generation,
                   when_format(fleet->time_ns, since, sizeof(since)), key, fleet->n_policies,
                   fleet->n_policies == 1 ? "policy" : "policies");
}

static void add_all(struct table *table, const Status *status)
{
    char since[32];

    table_row(table);
    table_cell(table, "vmreclaimd");
    table_cell(table, "%s, process %d, since %s", status->version, status->pid,
               when_format(status->started_ns, since, sizeof(since)));
    add_listening(table, status);
    table_row(table);
    table_cell(table, "VMs");
    table_cell(table, "%u, agents %u, balloon leases %u", status->vms, status->agents,
               status->leases);
    if (status->refused_agents != 0) {
        table_row(table);
        table_cell(table, "refused");
        table_cell(table, "%" PRIu64 " agents' connections; the log says why",
                   status->refused_agents);
    }
    add_bytes(table, "footprint", status->footprint);
    add_bytes(table, "available", status->host_available);
    add_bytes(table, "own memory", status->resident_bytes);
    table_row(table);
    table_cell(table, "own CPU");
    table_cell(table, "%.1f s", (double)status->cpu_ns / 1e9);
    table_row(table);
    table_cell(table, "actions");
    table_cell(table, "%" PRIu64 ", events %" PRIu64, status->actions, status->events);
    add_store(table, status);
    add_fleet(table, status->fleet);
}

static bool is_pinned(const AppliedPolicy *policy)
{
    return policy->outcome == VMRECLAIM__FLEET__V1__APPLIED_OUTCOME__APPLIED_PINNED;
}

static size_t count_not_taken(const Applied *fleet)
{
    size_t count = fleet->refused[0] != '\0';

    for (size_t i = 0; i < fleet->n_policies; i++)
        count += is_pinned(fleet->policies[i]);
    return count;
}

/* It is as this host wants it, so nothing is degraded. */
static void print_not_taken(const Applied *fleet)
{
    static const struct table_column columns[] = {{"", 0}, {"", TABLE_WRAP}};
    struct table table;
    char since[32];

    if (fleet == NULL || count_not_taken(fleet) == 0)
        return;
    puts("");
    puts("what the fleet wants and this host has not taken:");
    table_init_plain(&table, columns, ARRAY_SIZE(columns));
    if (fleet->refused[0] != '\0') {
        table_row(&table);
        table_cell(&table, "  %s ", when_format(fleet->refused_ns, since, sizeof(since)));
        table_cell(&table, "refused: %s", fleet->refused);
    }
    for (size_t i = 0; i < fleet->n_policies; i++) {
        if (!is_pinned(fleet->policies[i]))
            continue;
        table_row(&table);
        table_cell(&table, "  %s ", when_format(fleet->time_ns, since, sizeof(since)));
        table_cell(&table, "%s: pinned: %s", fleet->policies[i]->name, fleet->policies[i]->reason);
    }
    (void)table_finish(&table, NULL);
}

static void print_degraded(const Status *status)
{
    static const struct table_column columns[] = {{"", 0}, {"", TABLE_WRAP}};
    struct table table;
    char since[32];

    if (status->n_degraded == 0)
        return;
    puts("");
    puts("does not work as it should:");
    table_init_plain(&table, columns, ARRAY_SIZE(columns));
    for (size_t i = 0; i < status->n_degraded; i++) {
        table_row(&table);
        table_cell(&table, "  %s ",
                   when_format(status->degraded[i]->since_ns, since, sizeof(since)));
        table_cell(&table, "%s: %s", status->degraded[i]->part, status->degraded[i]->reason);
    }
    (void)table_finish(&table, NULL);
}

/* EXIT_PARTIAL while something is degraded, so that scripts and monitors see it. */
static int show(const ProtobufCMessage *message, void *userdata)
{
    static const struct table_column columns[] = {{"", 0}, {"", TABLE_WRAP}};
    const struct cli *cli = userdata;
    const Status *status = (const void *)message;
    int code = status->n_degraded > 0 ? EXIT_PARTIAL : EXIT_DONE;
    struct table table;

    if (cli->json) {
        int r = print_json(message);
        return r == EXIT_DONE ? code : r;
    }
    table_init_plain(&table, columns, ARRAY_SIZE(columns));
    add_all(&table, status);
    if (table_finish(&table, NULL) != EXIT_DONE)
        return EXIT_FAILED;
    print_not_taken(status->fleet);
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
        "Shows the daemon's version, what it listens on, what it costs, its store, and what it "
        "runs\n"
        "of a fleet. Then what the fleet wants and the host has not taken, and what does not work\n"
        "as it should and what to do about it. The exit status is 7 while something\n"
        "is degraded, or a guest is short of memory while a balloon holds some of it.",
    .example = "vmreclaim status",
    .see_also = "debug dump, for everything; journalctl -u vmreclaimd",
    .run = run,
};
