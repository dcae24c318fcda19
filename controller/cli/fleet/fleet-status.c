/* vmreclaim fleet status */
#include <inttypes.h>
#include <stdio.h>

#include "controller/cli/fleet/fleet.h"
#include "controller/cli/table.h"

typedef Vmreclaim__Fleet__V1__GetCoordinatorResponse Coordinator;

static void add(struct table *table, const char *name, const char *text)
{
    table_row(table);
    table_cell(table, "%s", name);
    table_cell(table, "%s", text);
}

static int print(const ProtobufCMessage *message, void *userdata)
{
    static const struct table_column columns[] = {{"", 0}, {"", TABLE_WRAP}};
    const Coordinator *coordinator = (const Coordinator *)message;
    struct table table;

    table_init(&table, columns, ARRAY_SIZE(columns));
    add(&table, "coordinator", coordinator->version);
    add(&table, "bus", coordinator->bus_is_there ? "connected" : coordinator->problem);
    table_row(&table);
    table_cell(&table, "leads");
    if (coordinator->leads)
        table_cell(&table, "this one, epoch %" PRIu64, coordinator->epoch);
    else
        table_cell(&table, "%s",
                   coordinator->leader[0] != '\0' ? coordinator->leader : "nobody is known");
    table_row(&table);
    table_cell(&table, "hosts");
    table_cell(&table, "%u, %u of them lost", coordinator->hosts, coordinator->hosts_lost);
    table_row(&table);
    table_cell(&table, "rollouts");
    table_cell(&table, "%u", coordinator->rollouts);
    return table_finish(&table, NULL);
}

static int run(struct cli *cli, char **operands)
{
    const Vmreclaim__Fleet__V1__GetCoordinatorRequest request =
        VMRECLAIM__FLEET__V1__GET_COORDINATOR_REQUEST__INIT;
    struct cli fleet = fleet_cli(cli);

    return client_call(&fleet, "GetCoordinator", &request.base, print, NULL);
}

const struct command command_fleet_status = {
    .name = "fleet status",
    .operands = "",
    .summary = "the coordinator: its bus, who leads, how many hosts it hears",
    .description = "Several coordinators may run. One of them leads: it runs the rollouts, and\n"
                   "another one goes on when it dies. Each of them answers.",
    .example = "vmreclaim fleet status",
    .see_also = "fleet hosts; fleet rollout status; status, for this host's daemon",
    .run = run,
};
