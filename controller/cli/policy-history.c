/* vmreclaim policy history NAME */
#include <inttypes.h>

#include "common/base/text.h"
#include "controller/cli/cli.h"
#include "controller/cli/messages.h"
#include "controller/cli/table.h"
#include "controller/cli/when.h"

static int print(const ProtobufCMessage *message, void *userdata)
{
    static const struct table_column columns[] = {
        {"REVISION", TABLE_RIGHT}, {"TIME", 0}, {"AUTHOR", 0}, {"HASH", 0}, {"FROM", TABLE_WRAP},
    };
    const Vmreclaim__Controller__V1__ListPolicyRevisionsResponse *list = (const void *)message;
    struct table table;
    char time[32];

    table_init(&table, columns, ARRAY_SIZE(columns));
    for (size_t i = 0; i < list->n_revisions; i++) {
        const PolicyRevision *revision = list->revisions[i];
        table_row(&table);
        table_cell(&table, "%" PRIu64, revision->revision);
        table_cell(&table, "%s", when_format(revision->time_ns, time, sizeof(time)));
        table_cell(&table, "%s", revision->author);
        table_cell(&table, "%s", TEXT_CUT(revision->hash, 12));
        if (revision->rolled_back_to != 0)
            table_cell(&table, "back to revision %" PRIu64, revision->rolled_back_to);
        else
            table_cell(&table, "%s", revision->source_name);
    }
    return table_finish(&table, "No revisions.");
}

static int run(struct cli *cli, char **operands)
{
    Vmreclaim__Controller__V1__ListPolicyRevisionsRequest request =
        VMRECLAIM__CONTROLLER__V1__LIST_POLICY_REVISIONS_REQUEST__INIT;

    request.name = operands[0];
    return client_list(cli, "ListPolicyRevisions", &request.base, UINT64_MAX, print, NULL);
}

const struct command command_policy_history = {
    .name = "policy history",
    .operands = "NAME",
    .operand_count = 1,
    .summary = "who changed a policy, and when",
    .description =
        "Lists the revisions of a policy, newest first. They are kept until the policy is deleted.",
    .example = "vmreclaim policy history idle",
    .see_also = "policy diff, policy rollback",
    .run = run,
};
