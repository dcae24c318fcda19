/* vmreclaim reserve list */
#include <inttypes.h>

#include "common/base/number.h"
#include "common/base/time.h"
#include "controller/cli/cli.h"
#include "controller/cli/messages.h"
#include "controller/cli/table.h"

static void add(struct table *table, const Reservation *reservation)
{
    char left[64];

    table_row(table);
    table_cell(table, "%" PRIu64, reservation->id);
    table_bytes(table, true, reservation->size);
    table_bytes(table, true, reservation->there);
    table_bytes(table, true, reservation->used);
    table_cell(table, "%s", reservation->vm[0] == '\0' ? "-" : reservation->vm);
    table_cell(table, "%s", reservation->state);
    table_cell(table, "%s",
               time_format_duration(reservation->left_ns / NSEC_PER_SEC * NSEC_PER_SEC, left,
                                    sizeof(left)));
    table_cell(table, "%s", reservation->asked_by);
    table_cell(table, "%s", reservation->reason);
}

static int print(const ProtobufCMessage *message, void *userdata)
{
    static const struct table_column columns[] = {
        {"ID", TABLE_RIGHT},  {"SIZE", TABLE_RIGHT}, {"THERE", TABLE_RIGHT}, {"USED", TABLE_RIGHT},
        {"FOR", 0},           {"STATE", 0},          {"LEFT", TABLE_RIGHT},  {"BY", 0},
        {"NOTE", TABLE_WRAP},
    };
    const Vmreclaim__Controller__V1__ListReservationsResponse *list = (const void *)message;
    struct table table;

    table_init(&table, columns, ARRAY_SIZE(columns));
    for (size_t i = 0; i < list->n_reservations; i++)
        add(&table, list->reservations[i]);
    return table_finish(&table, "Nothing is reserved.");
}

static int run(struct cli *cli, char **operands)
{
    Vmreclaim__Controller__V1__ListReservationsRequest request =
        VMRECLAIM__CONTROLLER__V1__LIST_RESERVATIONS_REQUEST__INIT;

    return client_call(cli, "ListReservations", &request.base, print, NULL);
}

const struct command command_reserve_list = {
    .name = "reserve list",
    .operands = "",
    .summary = "what memory of the host is reserved, and for whom",
    .description = "Shows the reservations in the order in which they get memory: how much is\n"
                   "free for each of them now, what its VM has taken of it, and how long it is\n"
                   "kept.",
    .example = "vmreclaim reserve list",
    .see_also = "reserve; reserve release",
    .run = run,
};
