/* vmreclaim actions */
#include <string.h>

#include "common/base/text.h"
#include "controller/cli/list.h"
#include "controller/cli/messages.h"
#include "controller/json/json.h"

static const char *vm = "";
static uint64_t limit = 50;
static nsec_t since;
static nsec_t until;

static void get_beginning(const struct list_row *row, struct list_value *value)
{
    list_text(value, "%s", TEXT_CUT(((const Action *)row->message)->id, 8));
}

/* Why little came back: the reason, or how the action ended when it was not simply done. */
static void get_why(const struct list_row *row, struct list_value *value)
{
    const Action *action = (const Action *)row->message;
    char text[32];
    bool is_done = action->guest == NULL ||
                   action->guest->outcome == VMRECLAIM__AGENT__V1__OUTCOME__OUTCOME_DONE;

    if (!action->finished)
        list_text(value, "running");
    else if (action->reason_code[0] != '\0')
        list_text(value, "%s", action->reason_code);
    else if (action->footprint_before == 0 && action->reason[0] != '\0')
        list_text(value, "not measured");
    else if (!is_done && json_enum_name(&vmreclaim__agent__v1__outcome__descriptor,
                                        (int)action->guest->outcome, text, sizeof(text)) != NULL)
        list_text(value, "%s", text);
}

/* What a person typed needs no word. */
static void get_who(const struct list_row *row, struct list_value *value)
{
    const Action *action = (const Action *)row->message;

    if (action->asked_with[0] == '\0' || strcmp(action->asked_with, "cli") == 0)
        list_text(value, "%s", action->asked_by);
    else
        list_text(value, "%s (%s)", action->asked_by, action->asked_with);
}

static const struct list_column columns[] = {
    {"action", "ACTION", LIST_TEXT, 0, NULL, get_beginning, "the beginning of its id"},
    {"id", "ID", LIST_TEXT, LIST_BY_KEY | LIST_NAME, "id", NULL, "all of it"},
    {"time", "TIME", LIST_SHORT_TIME, 0, "started_ns", NULL, "when it began"},
    {"took", "TOOK", LIST_DURATION, LIST_WIDE, "duration_ns", NULL, "until its end"},
    {"vm", "VM", LIST_TEXT, LIST_SHORTEN, "vm", NULL, "what it was done to"},
    {"what", "WHAT", LIST_TEXT, 0, "kind", NULL, "what was done"},
    {"who", "WHO", LIST_TEXT, 0, NULL, get_who, "who asked, and with what"},
    {"before", "BEFORE", LIST_BYTES, LIST_WIDE, "footprint_before", NULL, "the footprint before"},
    {"after", "AFTER", LIST_BYTES, LIST_WIDE, "footprint_after", NULL, "and after it"},
    {"returned", "RETURNED", LIST_BYTES, 0, "host_returned", NULL, "what left the host's memory"},
    {"after-10m", "AFTER 10M", LIST_BYTES, 0, "host_returned_later", NULL,
     "of it still gone ten minutes later"},
    {"confidence", "CONFIDENCE", LIST_TEXT, LIST_WIDE, "confidence", NULL, "how sure that is"},
    {"words", "WORDS", LIST_TEXT, LIST_BY_KEY, "reason", NULL, "why not more, as a sentence"},
    {"why-not", "WHY NOT", LIST_TEXT, LIST_WRAP, NULL, get_why, "the reason's code"},
    {NULL, NULL, LIST_TEXT, 0, NULL, NULL, NULL},
};

static const struct list list = {.rows = "actions", .columns = columns, .empty = "No actions."};

static int run(struct cli *cli, char **operands)
{
    Vmreclaim__Controller__V1__ListActionsRequest request =
        VMRECLAIM__CONTROLLER__V1__LIST_ACTIONS_REQUEST__INIT;

    request.vm = (char *)vm;
    request.since_ns = since == 0 ? 0 : time_realtime_before(time_realtime(), since);
    request.until_ns = until == 0 ? 0 : time_realtime_before(time_realtime(), until);
    return list_run(cli, &list, "ListActions", &request.base, limit);
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
    .list = &list,
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
