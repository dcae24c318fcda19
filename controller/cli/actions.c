/* vmreclaim actions */

#include "common/base/number.h"
#include "common/base/text.h"
#include "controller/cli/cli.h"
#include "controller/cli/messages.h"
#include "controller/cli/table.h"
#include "controller/cli/when.h"
#include "controller/json/json.h"

static const char *vm = "";
static uint64_t limit = 50;
static nsec_t since;
static nsec_t until;

/* Why little came back: the reason, or how the action ended when it was not simply done. */
static void add_why(struct table *table, const Action *action)
{
    char text[32];
    bool is_done = action->guest == NULL ||
                   action->guest->outcome == VMRECLAIM__AGENT__V1__OUTCOME__OUTCOME_DONE;

    if (!action->finished)
        table_cell(table, "%s", "running");
    else if (action->reason_code[0] != '\0')
        table_cell(table, "%s", action->reason_code);
    else if (action->footprint_before == 0 && action->reason[0] != '\0')
        table_cell(table, "%s", "not measured");
    else if (is_done || json_enum_name(&vmreclaim__agent__v1__outcome__descriptor,
                                       (int)action->guest->outcome, text, sizeof(text)) == NULL)
        table_cell(table, "%s", "");
    else
        table_cell(table, "%s", text);
}

static void add_signed(struct table *table, bool known, int64_t bytes)
{
    char text[32];
    uint64_t size = bytes < 0 ? 0 - (uint64_t)bytes : (uint64_t)bytes;

    if (!known)
        table_cell(table, "%s", "-");
    else
        table_cell(table, "%s%s", bytes < 0 ? "-" : "",
                   bytes_format_short(size, text, sizeof(text)));
}

static void add_action(struct table *table, const Action *action)
{
    char text[32];

    table_row(table);
    table_cell(table, "%s", TEXT_CUT(action->id, 8));
    table_cell(table, "%s", when_format_short(action->started_ns, text, sizeof(text)));
    table_cell(table, "%s", action->vm);
    table_cell(table, "%s", action->kind);
    table_cell(table, "%s", action->asked_by);
    add_signed(table, action->footprint_before != 0, action->host_returned);
    add_signed(table, action->checked_again, action->host_returned_later);
    add_why(table, action);
}

static int print(const ProtobufCMessage *message, void *userdata)
{
    static const struct table_column columns[] = {
        {"ACTION", 0},
        {"TIME", 0},
        {"VM", 0},
        {"WHAT", 0},
        {"WHO", 0},
        {"RETURNED", TABLE_RIGHT},
        {"AFTER 10M", TABLE_RIGHT},
        {"WHY NOT", 0},
    };
    const Vmreclaim__Controller__V1__ListActionsResponse *list = (const void *)message;
    struct table table;

    table_init(&table, columns, ARRAY_SIZE(columns));
    for (size_t i = 0; i < list->n_actions; i++)
        add_action(&table, list->actions[i]);
    return table_finish(&table, "No actions.");
}

static int run(struct cli *cli, char **operands)
{
    Vmreclaim__Controller__V1__ListActionsRequest request =
        VMRECLAIM__CONTROLLER__V1__LIST_ACTIONS_REQUEST__INIT;

    request.vm = (char *)vm;
    request.since_ns = since == 0 ? 0 : time_realtime_before(time_realtime(), since);
    request.until_ns = until == 0 ? 0 : time_realtime_before(time_realtime(), until);
    return client_list(cli, "ListActions", &request.base, limit, print, NULL);
}

static const struct command_option options[] = {
    {"vm", 0, OPTION_TEXT, "VM", "of this VM only", &vm, NULL},
    {"limit", 'n', OPTION_NUMBER, "N", "at most N (default 50)", &limit, NULL},
    {"since", 0, OPTION_DURATION, "D", "not older than D", &since, NULL},
    {"until", 0, OPTION_DURATION, "D", "at least as old as D", &until, NULL},
    {NULL, 0, OPTION_FLAG, NULL, NULL, NULL, NULL},
};

const struct command command_actions = {
    .name = "actions",
    .operands = "",
    .summary = "what was done, and what it brought",
    .description =
        "Lists actions, newest first: who asked, what left the host's memory, and what of it was\n"
        "still gone ten minutes later. If little came back, with the reason's code. The beginning\n"
        "of an action's id is enough for verify.",
    .example = "vmreclaim actions --vm web1 --since 1d",
    .see_also = "verify, for one of them; history, for the memory over time",
    .options = options,
    .run = run,
};
