/* vmreclaim policy history NAME */
#include <inttypes.h>

#include "common/base/text.h"
#include "controller/cli/list.h"
#include "controller/cli/messages.h"

static void get_hash(const struct list_row *row, struct list_value *value)
{
    list_text(value, "%s", TEXT_CUT(((const PolicyRevision *)row->message)->hash, 12));
}

static void get_origin(const struct list_row *row, struct list_value *value)
{
    const PolicyRevision *revision = (const PolicyRevision *)row->message;

    if (revision->rolled_back_to != 0)
        list_text(value, "back to revision %" PRIu64, revision->rolled_back_to);
    else
        list_text(value, "%s", revision->source_name);
}

static const struct list_column columns[] = {
    {"revision", "REVISION", LIST_NUMBER, LIST_NAME, "revision", NULL, "its number"},
    {"time", "TIME", LIST_TIME, 0, "time_ns", NULL, "when it was stored"},
    {"author", "AUTHOR", LIST_TEXT, 0, "author", NULL, "who stored it"},
    {"hash", "HASH", LIST_TEXT, 0, NULL, get_hash, "the beginning of its text's SHA-256"},
    {"sha256", "SHA-256", LIST_TEXT, LIST_BY_KEY, "hash", NULL, "all of that"},
    {"from", "FROM", LIST_TEXT, LIST_WRAP, NULL, get_origin, "its file, or an older revision"},
    {NULL, NULL, LIST_TEXT, 0, NULL, NULL, NULL},
};

static const struct list list = {.rows = "revisions", .columns = columns, .empty = "No revisions."};

static int run(struct cli *cli, char **operands)
{
    Vmreclaim__Controller__V1__ListPolicyRevisionsRequest request =
        VMRECLAIM__CONTROLLER__V1__LIST_POLICY_REVISIONS_REQUEST__INIT;

    request.name = operands[0];
    return list_run(cli, &list, "ListPolicyRevisions", &request.base, UINT64_MAX);
}

const struct command command_policy_history = {
    .name = "policy history",
    .operands = "NAME",
    .operand_count = 1,
    .list = &list,
    .summary = "who changed a policy, and when",
    .description =
        "Lists the revisions of a policy, newest first. They are kept until the policy is deleted.",
    .example = "vmreclaim policy history idle",
    .see_also = "policy diff, policy rollback",
    .run = run,
};
