/* vmreclaim fleet events */
#include <string.h>

#include "common/base/cleanup.h"
#include "controller/cli/fleet-event-kinds.h"
#include "controller/cli/fleet/fleet.h"
#include "controller/cli/list.h"

typedef Vmreclaim__Fleet__V1__HeardEvent HeardEvent;
typedef Vmreclaim__Fleet__V1__FleetEvent FleetEvent;

static const char *selector = "";
static const char *kind;
static uint64_t limit = 50;
static nsec_t since;

static const Vmreclaim__Fleet__V1__FleetAction *action_of(const struct list_row *row)
{
    const FleetEvent *event = ((const HeardEvent *)row->message)->event;

    return event == NULL ? NULL : event->action;
}

static void get_returned(const struct list_row *row, struct list_value *value)
{
    const FleetEvent *event = ((const HeardEvent *)row->message)->event;
    const Vmreclaim__Fleet__V1__FleetAction *action = action_of(row);

    if (action != NULL)
        list_number(value, action->returned_is_known,
                    strcmp(event->kind, "checked") == 0 ? action->returned_later
                                                        : action->returned);
}

static const struct list_column columns[] = {
    {"time", "TIME", LIST_SHORT_TIME, 0, "event.time_ns", NULL, "when it happened, there"},
    {"id", "ID", LIST_TEXT, LIST_BY_KEY | LIST_NAME, "event.id", NULL, "the same on all machines"},
    {"host", "HOST", LIST_TEXT, LIST_SHORTEN, "host", NULL, "where"},
    {"vm", "VM", LIST_TEXT, LIST_SHORTEN, "event.vm", NULL, "of what VM"},
    {"kind", "KIND", LIST_TEXT, 0, "event.kind", NULL, "what kind it is of"},
    {"what", "WHAT", LIST_TEXT, LIST_BY_KEY, "event.action.kind", NULL, "what was done"},
    {"who", "WHO", LIST_TEXT, LIST_BY_KEY, "event.action.asked_by", NULL, "who asked for it"},
    {"returned", "RETURNED", LIST_BYTES, LIST_WIDE, NULL, get_returned,
     "what left the host's memory by it"},
    {"outcome", "OUTCOME", LIST_TEXT, LIST_WIDE, "event.action.outcome", NULL, "how it ended"},
    {"why-not", "WHY NOT", LIST_TEXT, LIST_BY_KEY, "event.action.reason_code", NULL,
     "why it was not more: the reason's code"},
    {"event", "EVENT", LIST_TEXT, LIST_WRAP, "event.text", NULL, "in words"},
    {NULL, NULL, LIST_TEXT, 0, NULL, NULL, NULL},
};

static const struct list list = {
    .rows = "events", .columns = columns, .sort = "-time", .empty = "No host has told of any."};

static int run(struct cli *cli, char **operands)
{
    Vmreclaim__Fleet__V1__ListFleetEventsRequest request =
        VMRECLAIM__FLEET__V1__LIST_FLEET_EVENTS_REQUEST__INIT;
    cleanup_free char *asked = kind == NULL ? NULL : strdup(kind);
    struct cli fleet = fleet_cli(cli);
    char *kinds[FLEET_KINDS_MAX];

    if (kind != NULL && asked == NULL)
        return fail(EXIT_FAILED, "out of memory");
    if (fleet_kinds_parse(asked, kinds, &request.n_kinds) != EXIT_DONE)
        return EXIT_USAGE;
    request.kinds = kinds;
    request.selector = (char *)selector;
    request.since_ns = since == 0 ? 0 : time_realtime_before(time_realtime(), since);
    return list_run(&fleet, &list, "ListFleetEvents", &request.base, limit);
}

static const struct command_option options[] = {
    {"hosts", 0, OPTION_TEXT, "HOSTS", "of these alone: a name, a glob, or label:KEY=VALUE",
     &selector, NULL},
    {"kind", 'k', OPTION_TEXT, "KINDS", "of this kind only, or of several: action,gap", &kind,
     NULL},
    {"limit", 'n', OPTION_NUMBER, "N", "at most N (default 50)", &limit, NULL},
    {"since", 0, OPTION_DURATION, "D", "not older than D", &since, NULL},
    {NULL, 0, OPTION_FLAG, NULL, NULL, NULL, NULL},
};

const struct command command_fleet_events = {
    .name = "fleet events",
    .operands = "",
    .list = &list,
    .summary = "what happened on the hosts of the fleet",
    .description =
        "The newest first, of what the coordinator keeps: 1024 of a host, 65536 of all. A host\n"
        "that was away tells on return what it has not told yet, with the times it has of it.\n"
        "Kinds: action (one has ended), checked (ten minutes later), vm (it comes, changes its\n"
        "state, goes), alarm (a guest is starved), policy (an agent has taken its policy, or\n"
        "not), daemon (something in a host's does not work, or does again), gap (something was\n"
        "let go before it was told).",
    .example = "vmreclaim fleet events --hosts 'rack2-*' --since 1h",
    .see_also = "fleet hosts; actions and events, for this host alone",
    .options = options,
    .run = run,
};
