/* vmreclaim policy why VM */
#include <stdio.h>
#include <string.h>

#include "controller/cli/cli.h"
#include "controller/cli/messages.h"
#include "controller/cli/policy-effective.h"
#include "controller/cli/table.h"

typedef Vmreclaim__Controller__V1__PolicyAssignment PolicyAssignment;

static const char *kind_of(const PolicyAssignment *assignment, const char *vm)
{
    if (strncmp(assignment->selector, "label:", strlen("label:")) == 0)
        return "label";
    return strcmp(assignment->selector, vm) == 0 ? "name" : "glob";
}

static void add_row(struct table *table, const char *what, const char *kind, const char *policy,
                    const char *author, bool holds)
{
    table_row(table);
    table_cell(table, "%s", holds ? "holds" : "");
    table_cell(table, "%s", kind);
    table_cell(table, "%s", what);
    table_cell(table, "%s", policy);
    table_cell(table, "%s", author);
}

/* Whatever may say what the VM runs, in the order in which it holds. */
static int print_order(const GetEffectivePolicyResponse *response)
{
    static const struct table_column columns[] = {
        {"", 0}, {"KIND", 0}, {"FOR", TABLE_SHORTEN}, {"POLICY", TABLE_WRAP}, {"BY", TABLE_CUT}};
    bool is_by_file = response->n_assignments == 0 && response->file[0] != '\0';
    struct table table;

    table_init(&table, columns, ARRAY_SIZE(columns));
    for (size_t i = 0; i < response->n_assignments; i++) {
        const PolicyAssignment *assignment = response->assignments[i];

        add_row(&table, assignment->selector, kind_of(assignment, response->vm), assignment->policy,
                assignment->author, i == 0);
    }
    if (response->file[0] != '\0')
        add_row(&table, response->vm, "VM file", response->file, "", is_by_file);
    add_row(&table, response->vm, "guest", "its own configuration, or the default", "",
            response->n_assignments == 0 && !is_by_file);
    return table_finish(&table, NULL);
}

/* Who reads it may wonder why the closer one does not hold. */
static void print_fleet(const GetEffectivePolicyResponse *response)
{
    static const char author[] = "fleet:";

    for (size_t i = 0; i < response->n_assignments; i++)
        if (strncmp(response->assignments[i]->author, author, strlen(author)) == 0) {
            puts("\nWhat is by fleet:ROLLOUT the fleet has brought; what an operator of this host\n"
                 "has assigned holds before it, however close it is.");
            return;
        }
}

static int print(const ProtobufCMessage *message, void *userdata)
{
    const GetEffectivePolicyResponse *response = (const void *)message;
    int r;

    if (response->revision != 0 && response->n_assignments == 0) {
        puts("Which assignment holds an older daemon does not say; see: vmreclaim policy list\n");
        return policy_effective_print(response);
    }
    r = print_order(response);
    print_fleet(response);
    putchar('\n');
    return r == EXIT_DONE ? policy_effective_print(response) : r;
}

static int run(struct cli *cli, char **operands)
{
    Vmreclaim__Controller__V1__GetEffectivePolicyRequest request =
        VMRECLAIM__CONTROLLER__V1__GET_EFFECTIVE_POLICY_REQUEST__INIT;

    request.vm = operands[0];
    request.why = true;
    return client_call(cli, "GetEffectivePolicy", &request.base, print, NULL);
}

const struct command command_policy_why = {
    .name = "policy why",
    .operands = "VM",
    .operand_count = 1,
    .summary = "which policy is for a VM, and where each value is from",
    .description =
        "Shows all that may say what the VM runs, in the order in which it holds: assignments of\n"
        "its name, its labels and globs, first those made on this host, then those of a fleet;\n"
        "then what its file names, then its guest's own configuration. Then every key with the\n"
        "value in force and where it comes from: the default, the profile, the policy's revision,\n"
        "the VM's file, or the guest's own.",
    .example = "vmreclaim policy why web1",
    .see_also = "policy list; policy unassign, which takes one of them away",
    .run = run,
};
