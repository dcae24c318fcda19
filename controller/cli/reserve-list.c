/* vmreclaim reserve list */
#include "controller/cli/list.h"
#include "controller/cli/messages.h"

static const struct list_column columns[] = {
    {"id", "ID", LIST_NUMBER, LIST_NAME, "id", NULL, "for reserve release"},
    {"size", "SIZE", LIST_BYTES, LIST_SUM, "size", NULL, "what is reserved"},
    {"there", "THERE", LIST_BYTES, LIST_SUM, "there", NULL, "of it free now"},
    {"used", "USED", LIST_BYTES, LIST_SUM, "used", NULL, "of it taken by its VM"},
    {"for", "FOR", LIST_TEXT, LIST_SHORTEN, "vm", NULL, "the VM that is to use it"},
    {"state", "STATE", LIST_TEXT, 0, "state", NULL, "filling or ready"},
    {"left", "LEFT", LIST_DURATION, 0, "left_ns", NULL, "until that ends"},
    {"by", "BY", LIST_TEXT, 0, "asked_by", NULL, "who asked"},
    {"created", "CREATED", LIST_TIME, LIST_WIDE, "created_ns", NULL, "when"},
    {"note", "NOTE", LIST_TEXT, LIST_WRAP, "reason", NULL, "why it is not whole"},
    {NULL, NULL, LIST_TEXT, 0, NULL, NULL, NULL},
};

static const struct list list = {
    .rows = "reservations", .columns = columns, .empty = "Nothing is reserved."};

static int run(struct cli *cli, char **operands)
{
    Vmreclaim__Controller__V1__ListReservationsRequest request =
        VMRECLAIM__CONTROLLER__V1__LIST_RESERVATIONS_REQUEST__INIT;

    return list_run(cli, &list, "ListReservations", &request.base, UINT64_MAX);
}

const struct command command_reserve_list = {
    .name = "reserve list",
    .operands = "",
    .list = &list,
    .summary = "what memory of the host is reserved, and for whom",
    .description = "Shows the reservations in the order in which they get memory: how much is\n"
                   "free for each of them now, what its VM has taken of it, and how long it is\n"
                   "kept.",
    .example = "vmreclaim reserve list",
    .see_also = "reserve; reserve release",
    .run = run,
};
