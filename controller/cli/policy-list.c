/* vmreclaim policy list */
#include <string.h>

#include "common/base/text.h"
#include "controller/cli/list.h"
#include "controller/cli/messages.h"

/* "web-*, label:tier=db" */
static void get_selectors(const struct list_row *row, struct list_value *value)
{
    const Vmreclaim__Controller__V1__ListPoliciesResponse *answer = (const void *)row->answer;
    const char *policy = ((const PolicyRevision *)row->message)->name;
    size_t used = 0;

    for (size_t i = 0; i < answer->n_assignments && used < sizeof(value->text); i++)
        if (strcmp(answer->assignments[i]->policy, policy) == 0)
            used += (size_t)text_format(value->text + used, sizeof(value->text) - used, "%s%s",
                                        used == 0 ? "" : ", ", answer->assignments[i]->selector);
    value->is_known = used > 0;
}

static const struct list_column columns[] = {
    {"name", "NAME", LIST_TEXT, LIST_NAME, "name", NULL, "what it is called"},
    {"revision", "REVISION", LIST_NUMBER, 0, "revision", NULL, "its newest one"},
    {"time", "TIME", LIST_TIME, 0, "time_ns", NULL, "when that was stored"},
    {"author", "AUTHOR", LIST_TEXT, 0, "author", NULL, "who stored it"},
    {"hash", "HASH", LIST_TEXT, LIST_BY_KEY, "hash", NULL, "SHA-256 of its text"},
    {"from", "FROM", LIST_TEXT, LIST_WIDE, "source_name", NULL, "the file it came from"},
    {"for", "FOR", LIST_TEXT, LIST_WRAP, NULL, get_selectors, "VMs, labels and globs it is for"},
    {NULL, NULL, LIST_TEXT, 0, NULL, NULL, NULL},
};

static const struct list list = {
    .rows = "policies",
    .columns = columns,
    .empty = "No policies. Store one with: vmreclaim policy apply FILE --vm VM",
};

static int run(struct cli *cli, char **operands)
{
    Vmreclaim__Controller__V1__ListPoliciesRequest request =
        VMRECLAIM__CONTROLLER__V1__LIST_POLICIES_REQUEST__INIT;

    return list_run(cli, &list, "ListPolicies", &request.base, UINT64_MAX);
}

const struct command command_policy_list = {
    .name = "policy list",
    .operands = "",
    .list = &list,
    .summary = "the stored policies and who they are for",
    .description =
        "Lists the newest revision of each policy in the daemon's store, and the VMs, labels and\n"
        "globs it is assigned to. For a VM its own name holds before a label, a label before a\n"
        "glob, a longer glob before a shorter one.",
    .example = "vmreclaim policy list",
    .see_also = "policy show, policy history",
    .run = run,
};
