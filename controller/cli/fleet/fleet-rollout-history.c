/* vmreclaim fleet rollout history */
#include "controller/cli/fleet/fleet.h"
#include "controller/cli/list.h"

typedef Vmreclaim__Fleet__V1__AuditRecord AuditRecord;

static const AuditRecord *record_of(const struct list_row *row)
{
    return (const AuditRecord *)row->message;
}

static void get_who(const struct list_row *row, struct list_value *value)
{
    if (record_of(row)->author[0] != '\0')
        list_text(value, "%s", record_of(row)->author);
}

/* A step has no order. */
static void get_order(const struct list_row *row, struct list_value *value)
{
    const AuditRecord *record = record_of(row);

    list_text(value, "%s", record->order[0] == '\0' ? "step" : record->order);
}

static void get_outcome(const struct list_row *row, struct list_value *value)
{
    const AuditRecord *record = record_of(row);

    if (record->phase == VMRECLAIM__FLEET__V1__AUDIT_PHASE__AUDIT_INTENT)
        list_text(value, "asked");
    else if (record->error[0] == '\0')
        list_text(value, "%s", fleet_state_name(record->state));
    else {
        list_text(value, "failed");
        value->color = COLOR_WARNING;
    }
}

static void get_why(const struct list_row *row, struct list_value *value)
{
    const AuditRecord *record = record_of(row);
    const char *why = record->error[0] == '\0' ? record->reason : record->error;

    if (why[0] != '\0')
        list_text(value, "%s", why);
}

static const struct list_column columns[] = {
    {"time", "TIME", LIST_SHORT_TIME, 0, "time_ns", NULL, "when, by the coordinator's clock"},
    {"id", "ID", LIST_TEXT, LIST_NAME, "rollout", NULL, "the rollout's"},
    {"policy", "POLICY", LIST_TEXT, LIST_WIDE | LIST_SHORTEN, "policy", NULL, "what it rolls out"},
    {"who", "WHO", LIST_TEXT, LIST_SHORTEN, NULL, get_who, "who ordered it; a step has nobody"},
    {"what", "WHAT", LIST_TEXT, 0, NULL, get_order, "the order, or a step of the rollout's own"},
    {"outcome", "OUTCOME", LIST_TEXT, 0, NULL, get_outcome,
     "asked, before it is done; then failed, or the state"},
    {"wave", "WAVE", LIST_NUMBER, LIST_WIDE, "wave", NULL, "its wave then, counted from 0"},
    {"coordinator", "COORDINATOR", LIST_TEXT, LIST_WIDE | LIST_SHORTEN, "coordinator", NULL,
     "which one took it"},
    {"epoch", "EPOCH", LIST_NUMBER, LIST_WIDE, "epoch", NULL, "of its document then"},
    {"why", "WHY", LIST_TEXT, LIST_WRAP, NULL, get_why, "the reason given, or why not"},
    {NULL, NULL, LIST_TEXT, 0, NULL, NULL, NULL},
};

static const struct list list = {
    .rows = "records", .columns = columns, .empty = "Nothing of it is kept here."};

static int run(struct cli *cli, char **operands)
{
    Vmreclaim__Fleet__V1__ListRolloutHistoryRequest request =
        VMRECLAIM__FLEET__V1__LIST_ROLLOUT_HISTORY_REQUEST__INIT;
    struct cli fleet = fleet_cli(cli);

    request.id = operands[0] == NULL ? (char *)"" : operands[0];
    return list_run(&fleet, &list, "ListRolloutHistory", &request.base, UINT64_MAX);
}

const struct command command_fleet_rollout_history = {
    .name = "fleet rollout history",
    .operands = "ID",
    .operand_count = 1,
    .operands_may_lack = true,
    .list = &list,
    .summary = "who ordered what of a rollout, and what it did by itself",
    .description =
        "The oldest first, from the audit: an order when it was asked for, then with what\n"
        "became of it; where that lacks, look at the rollout. Without ID of all rollouts.\n"
        "The coordinator keeps the newest 16384 records.",
    .example = "vmreclaim fleet rollout history 4f3a",
    .see_also = "fleet rollout status",
    .run = run,
};
