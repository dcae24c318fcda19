/* vmreclaim fleet explain HOST[/VM] */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/number.h"
#include "controller/cli/fleet/fleet.h"
#include "controller/cli/host-head.h"
#include "controller/cli/reason-words.h"
#include "controller/cli/table.h"
#include "controller/cli/waterfall.h"
#include "controller/cli/when.h"

typedef Vmreclaim__Fleet__V1__HostStatus HostStatus;
typedef Vmreclaim__Fleet__V1__VmExplanation VmExplanation;
typedef Vmreclaim__Fleet__V1__GetHostStatusResponse HostResponse;
typedef Vmreclaim__Fleet__V1__ExplainFleetVmResponse VmResponse;

/* ---- what the fleet wants ---- */

static void print_policies(HostPolicy *const *list, size_t count, const char *problem)
{
    static const struct table_column columns[] = {{"POLICY", TABLE_SHORTEN},
                                                  {"STATE", 0},
                                                  {"FOR", TABLE_SHORTEN},
                                                  {"ROLLOUT", 0},
                                                  {"WHY", TABLE_WRAP}};
    struct table table;

    puts("\nWhat the fleet wants");
    if (problem[0] != '\0') {
        (void)print_wrapped(" ", problem);
        return;
    }
    table_init(&table, columns, ARRAY_SIZE(columns));
    for (size_t i = 0; i < count; i++) {
        const HostPolicy *policy = list[i];

        table_row(&table);
        table_cell(&table, "%s", policy->name);
        table_cell(&table, "%s", fleet_policy_state_name(policy->state));
        table_color(&table, fleet_policy_state_color(policy->state));
        table_cell(&table, "%s%s", policy->n_selectors == 0 ? "" : policy->selectors[0],
                   policy->n_selectors > 1 ? ", ..." : "");
        table_cell(&table, "%s", policy->rollout);
        table_cell(&table, "%s", policy->reason);
    }
    (void)table_finish(&table, "  No policy of the fleet is wanted here.");
}

/* ---- its host ---- */

static void print_presence(const FleetHost *host)
{
    const HostStatus *status = host->status;

    printf("host ");
    print_text(host->host);
    if (status != NULL && status->name[0] != '\0' && strcmp(status->name, host->host) != 0) {
        printf(" (");
        print_text(status->name);
        putchar(')');
    }
    printf(" · %s", host->presence);
    if (host->age_is_known)
        printf(" · heard %.0f s ago", (double)host->age_ns / 1e9);
    putchar('\n');
    if (status == NULL)
        puts("It was never heard: nothing is known of it.");
    else if (status->problem[0] != '\0')
        (void)print_wrapped("Its daemon does not answer:", status->problem);
}

static void add(struct table *table, const char *name, const char *text)
{
    if (text[0] == '\0')
        return;
    table_row(table);
    table_cell(table, "%s", name);
    table_cell(table, "%s", text);
}

/* What was taken of the fleet, and what was not. */
static void add_applied(struct table *table, const FleetHost *host,
                        const Vmreclaim__Fleet__V1__Applied *applied)
{
    char since[32];

    table_row(table);
    table_cell(table, "state");
    if (applied == NULL || applied->generation == 0)
        table_cell(table, "none of the fleet's is in force");
    else
        table_cell(table, "%" PRIu64 " is in force since %s", applied->generation,
                   when_format(applied->time_ns, since, sizeof(since)));
    if (host->wanted_is_known && host->wanted_generation != 0) {
        table_row(table);
        table_cell(table, "wanted");
        table_cell(table, "%" PRIu64, host->wanted_generation);
    }
    if (applied != NULL && applied->refused[0] != '\0') {
        table_row(table);
        table_cell(table, "refused");
        table_cell(table, "%s", applied->refused);
        table_color(table, COLOR_BAD);
    }
}

static void print_facts(const FleetHost *host)
{
    static const struct table_column columns[] = {{"", 0}, {"", TABLE_WRAP}};
    const HostStatus *status = host->status;
    struct table table;
    char since[32];

    table_init_plain(&table, columns, ARRAY_SIZE(columns));
    add(&table, "version", status->version);
    if (status->started_ns != 0)
        add(&table, "since", when_format(status->started_ns, since, sizeof(since)));
    for (size_t i = 0; i < status->n_labels; i++)
        add(&table, i == 0 ? "labels" : "", status->labels[i]);
    add_applied(&table, host, status->applied);
    for (size_t i = 0; i < status->n_degraded; i++)
        add(&table, i == 0 ? "degraded" : "", status->degraded[i]);
    (void)table_finish(&table, NULL);
}

static void print_memory(const HostStatus *status)
{
    char vms[160];

    if (status->problem[0] != '\0' && status->host == NULL)
        return;
    snprintf(vms, sizeof(vms), "%" PRIu32 "; they hold %s, %s could return, %s was returned",
             status->vm_count, BYTES_TEXT(status->footprint), BYTES_TEXT(status->could_return),
             BYTES_TEXT(status->returned));
    (void)host_print_head(status->host, vms);
    host_print_bar(status->host, status->footprint);
}

static int print_host(const ProtobufCMessage *message, void *userdata)
{
    const HostResponse *response = (const HostResponse *)message;
    const FleetHost *host = response->host;

    if (host == NULL)
        return fail(EXIT_FAILED, "the coordinator's answer has no host in it");
    print_presence(host);
    if (host->status != NULL) {
        putchar('\n');
        print_facts(host);
        print_memory(host->status);
    }
    print_policies(response->policies, response->n_policies, response->wanted_problem);
    return EXIT_DONE;
}

/* ---- a VM ---- */

/* As its own daemon would show it. */
static Vm make_vm(const VmStatus *status, const VmExplanation *explanation)
{
    Vm vm = VMRECLAIM__CONTROLLER__V1__VM__INIT;

    vm.name = status->name;
    vm.state = status->state;
    vm.policy = status->policy;
    vm.alarm = status->alarm;
    vm.agent_connected = status->has_agent;
    if (explanation == NULL)
        return vm;
    vm.waterfall = explanation->waterfall;
    vm.last_sample_ns = explanation->last_sample_ns;
    vm.policy_revision = explanation->policy_revision;
    vm.engine_state = explanation->engine_state;
    vm.driver_state = explanation->driver_state;
    vm.halted = explanation->halted;
    return vm;
}

static void print_steps(const Vmreclaim__Controller__V1__Returns *returns)
{
    puts("\nWhat could come back");
    if (returns->n_steps == 0)
        (void)print_wrapped("  nothing:", returns->reason);
    for (size_t i = 0; i < returns->n_steps; i++) {
        printf("  %10s by ", BYTES_TEXT(returns->steps[i]->bytes));
        print_text(returns->steps[i]->name);
        putchar('\n');
    }
}

static void print_obstacles(const Vmreclaim__Controller__V1__Returns *returns)
{
    static const struct table_column columns[] = {{"", TABLE_RIGHT}, {"", 0}, {"", TABLE_WRAP}};
    struct table table;

    if (returns->n_obstacles == 0)
        return;
    puts("\nWhat is in the way; vmreclaim-reasons(7) has what to do");
    table_init_plain(&table, columns, ARRAY_SIZE(columns));
    for (size_t i = 0; i < returns->n_obstacles; i++) {
        const Vmreclaim__Controller__V1__Obstacle *obstacle = returns->obstacles[i];

        table_row(&table);
        table_cell(&table, "  %s", obstacle->bytes == 0 ? "" : BYTES_TEXT(obstacle->bytes));
        table_cell(&table, "%s", obstacle->code);
        table_cell(&table, "%s", reason_words(obstacle->code));
    }
    (void)table_finish(&table, NULL);
}

static void print_where(const FleetHost *host, const VmStatus *vm)
{
    const char *name =
        host->status == NULL || host->status->name[0] == '\0' ? host->host : host->status->name;

    puts("\nIts own host says it in sentences, measured anew:");
    printf("  vmreclaim -H ssh://");
    print_text(name);
    printf(" explain ");
    print_text(vm->name);
    putchar('\n');
}

static int print_vm(const ProtobufCMessage *message, void *userdata)
{
    const VmResponse *response = (const VmResponse *)message;
    const VmExplanation *explanation = response->explanation;
    int code = EXIT_DONE;
    Vm vm;

    if (response->host == NULL || response->vm == NULL)
        return fail(EXIT_FAILED, "the coordinator's answer has no VM in it");
    print_presence(response->host);
    vm = make_vm(response->vm, explanation);
    waterfall_print_head(&vm);
    if (explanation == NULL)
        puts("What it holds its host did not say: it has too many VMs for one status, or an\n"
             "older vmreclaim-fleet.");
    if (vm.halted)
        puts("It is halted by an operator of its host.");
    if (vm.waterfall != NULL)
        code = waterfall_print(&vm);
    if (explanation != NULL && explanation->returns != NULL) {
        print_steps(explanation->returns);
        print_obstacles(explanation->returns);
    }
    print_policies(response->policies, response->n_policies, response->wanted_problem);
    print_where(response->host, response->vm);
    return code;
}

/* ---- the command ---- */

static int explain(struct cli *fleet, char *host, char *vm)
{
    Vmreclaim__Fleet__V1__GetHostStatusRequest of_host =
        VMRECLAIM__FLEET__V1__GET_HOST_STATUS_REQUEST__INIT;
    Vmreclaim__Fleet__V1__ExplainFleetVmRequest of_vm =
        VMRECLAIM__FLEET__V1__EXPLAIN_FLEET_VM_REQUEST__INIT;

    of_host.host = of_vm.host = host;
    of_vm.vm = vm;
    return vm == NULL ? client_call(fleet, "GetHostStatus", &of_host.base, print_host, NULL)
                      : client_call(fleet, "ExplainFleetVm", &of_vm.base, print_vm, NULL);
}

static int run(struct cli *cli, char **operands)
{
    struct cli fleet = fleet_cli(cli);

    return explain(&fleet, operands[0], fleet_split_vm(operands[0]));
}

const struct command command_fleet_explain = {
    .name = "fleet explain",
    .operands = "HOST[/VM]",
    .operand_count = 1,
    .summary = "what a host of the fleet has, or why a VM of it holds what it holds",
    .description =
        "From what the host said of itself at last: nothing is measured for it. Of a VM where its\n"
        "memory is, what could come back and what is in the way; of both what the fleet wants\n"
        "there, who brought it, and what became of it. HOST is an id or a name, as in fleet\n"
        "hosts.",
    .example = "vmreclaim fleet explain rack7-12/web1",
    .see_also = "fleet vms; fleet policy why; explain, on the host itself",
    .run = run,
};
