/* vmreclaim policy check FILE: without any daemon. */
#include <stdio.h>
#include <string.h>

#include "common/base/cleanup.h"
#include "common/policy/policy-yaml.h"
#include "controller/cli/cli.h"
#include "controller/cli/document.h"
#include "controller/cli/policy-file.h"
#include "controller/cli/table.h"

static int show_json(const struct policy *policy)
{
    char value[128];
    json_t *settings = json_object();
    json_t *json = json_pack("{s:s, s:s, s:o}", "name", policy->name, "profile",
                             policy_profile_name(policy->profile), "settings", settings);

    for (size_t i = 0; json != NULL && policy_key(i) != NULL; i++)
        if (policy_get(policy, policy_key(i), value, sizeof(value)) == 0)
            (void)json_object_set_new(settings, policy_key(i), json_string(value));
    return print_document(json);
}

/* Every key with the value it would have, defaults included. */
static int show(const char *path, const struct policy *policy)
{
    static const struct table_column columns[] = {
        {"KEY", 0}, {"VALUE", TABLE_RIGHT}, {"WHAT IT DOES", TABLE_WRAP}};
    struct table table;
    char value[128];

    print_text(path);
    printf(" is a valid policy: \"%s\", profile %s, %zu schedules\n\n", policy->name,
           policy_profile_name(policy->profile), policy->schedule_count);
    table_init(&table, columns, ARRAY_SIZE(columns));
    for (size_t i = 0; policy_key(i) != NULL; i++) {
        if (policy_get(policy, policy_key(i), value, sizeof(value)) < 0)
            continue;
        table_row(&table);
        table_cell(&table, "%s", policy_key(i));
        table_cell(&table, "%s", value);
        table_cell(&table, "%s", policy_help(i));
    }
    return table_finish(&table, "");
}

static int run(struct cli *cli, char **operands)
{
    cleanup_free char *text = NULL;
    struct policy policy;
    struct error error;

    int r = policy_file_read(operands[0], &text);
    if (r != EXIT_DONE)
        return r;
    if (policy_load_yaml(text, strlen(text), operands[0], &policy, &error) < 0 ||
        policy_name_after(&policy, operands[0], &error) < 0)
        return fail(EXIT_USAGE, "%s", error.text);
    return cli->json ? show_json(&policy) : show(operands[0], &policy);
}

const struct command command_policy_check = {
    .name = "policy check",
    .operands = "FILE",
    .operand_count = 1,
    .summary = "is a policy file valid, and what would it mean",
    .description =
        "Checks a policy file without asking the daemon and shows the value of every key, those\n"
        "of the profile included. Errors name the file and the line.",
    .example = "vmreclaim policy check idle.yaml",
    .see_also = "policy apply; vmreclaim-policy(5)",
    .run = run,
};
