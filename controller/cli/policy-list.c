/* vmreclaim policy list */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/base/text.h"
#include "controller/cli/cli.h"
#include "controller/cli/messages.h"
#include "controller/cli/table.h"
#include "controller/cli/when.h"

typedef Vmreclaim__Controller__V1__ListPoliciesResponse ListPoliciesResponse;

/* "web-*, label:tier=db" */
static void selectors_of(const ListPoliciesResponse *list, const char *policy, char *buffer,
                         size_t size)
{
    size_t used = 0;

    snprintf(buffer, size, "-");
    for (size_t i = 0; i < list->n_assignments && used < size; i++)
        if (strcmp(list->assignments[i]->policy, policy) == 0)
            used += (size_t)text_format(buffer + used, size - used, "%s%s", used == 0 ? "" : ", ",
                                        list->assignments[i]->selector);
}

static int print(const ProtobufCMessage *message, void *userdata)
{
    static const struct table_column columns[] = {
        {"NAME", 0}, {"REVISION", TABLE_RIGHT}, {"TIME", 0}, {"AUTHOR", 0}, {"FOR", TABLE_WRAP},
    };
    const ListPoliciesResponse *list = (const void *)message;
    struct table table;
    char text[256];

    table_init(&table, columns, ARRAY_SIZE(columns));
    for (size_t i = 0; i < list->n_policies; i++) {
        const PolicyRevision *policy = list->policies[i];
        table_row(&table);
        table_cell(&table, "%s", policy->name);
        table_cell(&table, "%" PRIu64, policy->revision);
        table_cell(&table, "%s", when_format(policy->time_ns, text, sizeof(text)));
        table_cell(&table, "%s", policy->author);
        selectors_of(list, policy->name, text, sizeof(text));
        table_cell(&table, "%s", text);
    }
    return table_finish(&table, "No policies. Store one with: vmreclaim policy apply FILE --vm VM");
}

static int run(struct cli *cli, char **operands)
{
    Vmreclaim__Controller__V1__ListPoliciesRequest request =
        VMRECLAIM__CONTROLLER__V1__LIST_POLICIES_REQUEST__INIT;

    return client_list(cli, "ListPolicies", &request.base, UINT64_MAX, print, NULL);
}

const struct command command_policy_list = {
    .name = "policy list",
    .operands = "",
    .summary = "the stored policies and who they are for",
    .description =
        "Lists the newest revision of each policy in the daemon's store, and the VMs, labels and\n"
        "globs it is assigned to. For a VM its own name holds before a label, a label before a\n"
        "glob, a longer glob before a shorter one.",
    .example = "vmreclaim policy list",
    .see_also = "policy show, policy history",
    .run = run,
};
