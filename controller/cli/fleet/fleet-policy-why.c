/* vmreclaim fleet policy why HOST[/VM] [NAME] */
#include <string.h>

#include "controller/cli/fleet/fleet.h"
#include "controller/cli/list.h"

typedef Vmreclaim__Fleet__V1__GetHostStatusResponse HostResponse;

static const HostPolicy *policy_of(const struct list_row *row)
{
    return (const HostPolicy *)row->message;
}

static void get_state(const struct list_row *row, struct list_value *value)
{
    list_text(value, "%s", fleet_policy_state_name(policy_of(row)->state));
    value->color = fleet_policy_state_color(policy_of(row)->state);
}

static void get_wanted(const struct list_row *row, struct list_value *value)
{
    char text[FLEET_DIGEST_SIZE];

    list_text(value, "%s", fleet_digest_text(&policy_of(row)->wanted_digest, text));
}

static void get_digest(const struct list_row *row, struct list_value *value)
{
    char text[FLEET_DIGEST_SIZE];

    list_text(value, "%s", fleet_digest_text(&policy_of(row)->digest, text));
}

static const struct list_column columns[] = {
    {"policy", "POLICY", LIST_TEXT, LIST_NAME | LIST_SHORTEN, "name", NULL, "what it is called"},
    {"state", "STATE", LIST_TEXT, 0, NULL, get_state, "in force, waits, pinned, refused, left"},
    {"for", "FOR", LIST_TEXT, LIST_CUT, "selectors", NULL, "VMs, labels and globs it is for"},
    {"rollout", "ROLLOUT", LIST_TEXT, LIST_CUT, "rollout", NULL, "that brought it"},
    {"reason", "WHY", LIST_TEXT, LIST_WRAP, "reason", NULL, "it is pinned or refused"},
    {"wanted", "WANTED", LIST_TEXT, LIST_WIDE, NULL, get_wanted, "digest of what is wanted"},
    {"digest", "HAS", LIST_TEXT, LIST_WIDE, NULL, get_digest, "digest of what the host has"},
    {NULL, NULL, LIST_TEXT, 0, NULL, NULL, NULL},
};

static const struct list list = {
    .rows = "policies", .columns = columns, .empty = "No policy of the fleet is wanted here."};

static const char *name; /* this policy alone; NULL: all */

/* Both answers call what is listed the same. */
static int show(HostPolicy **policies, size_t *count, const char *problem,
                const ProtobufCMessage *answer)
{
    size_t kept = 0;

    if (problem[0] != '\0')
        return fail(EXIT_FAILED, "what the fleet wants there is not known: %s", problem);
    for (size_t i = 0; i < *count; i++) {
        HostPolicy *policy = policies[i];

        if (name != NULL && strcmp(policy->name, name) != 0)
            continue;
        policies[i] = policies[kept];
        policies[kept++] = policy;
    }
    *count = kept;
    if (kept == 0 && name != NULL)
        return fail(EXIT_NOT_FOUND,
                    "policy \"%s\" is not wanted there; see: vmreclaim fleet policy "
                    "list",
                    name);
    return list_print(&list, list_view(), answer);
}

static int show_host(const ProtobufCMessage *message, void *userdata)
{
    HostResponse *response = (HostResponse *)message;
    size_t count = response->n_policies;
    int code = show(response->policies, &response->n_policies, response->wanted_problem, message);

    response->n_policies = count; /* all are freed */
    return code;
}

static int show_vm(const ProtobufCMessage *message, void *userdata)
{
    Vmreclaim__Fleet__V1__ExplainFleetVmResponse *response = (void *)message;
    size_t count = response->n_policies;
    int code = show(response->policies, &response->n_policies, response->wanted_problem, message);

    response->n_policies = count;
    return code;
}

static int run(struct cli *cli, char **operands)
{
    Vmreclaim__Fleet__V1__GetHostStatusRequest of_host =
        VMRECLAIM__FLEET__V1__GET_HOST_STATUS_REQUEST__INIT;
    Vmreclaim__Fleet__V1__ExplainFleetVmRequest of_vm =
        VMRECLAIM__FLEET__V1__EXPLAIN_FLEET_VM_REQUEST__INIT;
    struct cli fleet = fleet_cli(cli);

    if (operands[0] == NULL || (operands[1] != NULL && operands[2] != NULL))
        return fail(EXIT_USAGE, "fleet policy why: name a host, or HOST/VM, and a policy at most\n"
                                "More: vmreclaim fleet policy why --help");
    name = operands[1];
    fleet.json = false; /* a document is a list's, too */
    of_vm.vm = fleet_split_vm(operands[0]);
    of_host.host = of_vm.host = operands[0];
    return of_vm.vm == NULL ? client_call(&fleet, "GetHostStatus", &of_host.base, show_host, NULL)
                            : client_call(&fleet, "ExplainFleetVm", &of_vm.base, show_vm, NULL);
}

const struct command command_fleet_policy_why = {
    .name = "fleet policy why",
    .operands = "HOST[/VM] [NAME]",
    .operand_count = 1,
    .takes_more = true,
    .list = &list,
    .summary = "what the fleet wants of a host or a VM, who brought it, what became of it",
    .description =
        "Of a VM all that may be for it: whether it has a label is known to its host. A policy is\n"
        "in force, or waits for the host to say so; it is pinned where the host's own operator\n"
        "holds it, refused where the host took nothing, and left where nobody wants it any more.\n"
        "Which of several holds for a VM its own host says: policy why.",
    .example = "vmreclaim fleet policy why rack7-12/web1 night",
    .see_also = "fleet explain; fleet policy list; policy why, on the host itself",
    .run = run,
};
