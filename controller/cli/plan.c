/* vmreclaim plan */
#include <stdio.h>
#include <string.h>

#include "common/base/number.h"
#include "controller/cli/cli.h"
#include "controller/cli/host-head.h"
#include "controller/cli/messages.h"
#include "controller/cli/table.h"

typedef Vmreclaim__Controller__V1__GetPlanResponse Response;

/* "lease to 3.0 GiB" */
static void add_step(struct table *table, const PlannedVm *vm)
{
    if (vm->size != 0)
        table_cell(table, "%s to %s", vm->step, BYTES_TEXT(vm->size));
    else
        table_cell(table, "%s", vm->step[0] == '\0' ? "-" : vm->step);
}

static void add_vm(struct table *table, const PlannedVm *vm)
{
    table_row(table);
    table_cell(table, "%s", vm->vm);
    add_step(table, vm);
    table_bytes(table, vm->step[0] != '\0', vm->bytes);
    table_cell(table, "%s", vm->reason);
}

static void print_sum(const Response *response)
{
    uint64_t taken = 0;
    uint64_t given = 0;

    for (size_t i = 0; i < response->n_vms; i++) {
        const PlannedVm *vm = response->vms[i];

        if (strcmp(vm->step, "give-back") == 0)
            given += vm->bytes;
        else
            taken += vm->bytes;
    }
    if (taken == 0 && given == 0)
        puts("Nothing would be done now.");
    else
        printf("Now %s would be taken and %s given back, in this order.\n", BYTES_TEXT(taken),
               BYTES_TEXT(given));
}

static int print(const ProtobufCMessage *message, void *userdata)
{
    static const struct table_column columns[] = {
        {"VM", 0}, {"STEP", 0}, {"BYTES", TABLE_RIGHT}, {"WHY", TABLE_WRAP}};
    const Response *response = (const void *)message;
    struct table table;
    int r;

    if (host_print_head(response->host, NULL) != EXIT_DONE)
        return EXIT_FAILED;
    putchar('\n');
    print_sum(response);
    putchar('\n');
    table_init(&table, columns, ARRAY_SIZE(columns));
    for (size_t i = 0; i < response->n_vms; i++)
        add_vm(&table, response->vms[i]);
    r = table_finish(&table, "No VMs.");
    if (r == EXIT_DONE && response->omitted > 0)
        printf("%u more VMs, to which nothing would be done.\n", response->omitted);
    return r;
}

static int run(struct cli *cli, char **operands)
{
    Vmreclaim__Controller__V1__GetPlanRequest request =
        VMRECLAIM__CONTROLLER__V1__GET_PLAN_REQUEST__INIT;

    return client_call(cli, "GetPlan", &request.base, print, NULL);
}

const struct command command_plan = {
    .name = "plan",
    .operands = "",
    .summary = "what the arbiter would do now, and why",
    .description = "Shows for each VM what the arbiter would do at this moment: the step, how\n"
                   "much it is to bring or to give back, and why, or why nothing. Those that\n"
                   "something would be done to come first, the most urgent on top. Nothing is\n"
                   "done, and the arbiter may be off: look at the plan before 'arbiter: on' in\n"
                   "vmreclaimd.yaml.",
    .example = "vmreclaim plan\n  vmreclaim --json plan | jq -r '.vms[] | \"\\(.vm) \\(.cause)\"'",
    .see_also = "host, what could come back at all; vmreclaimd(8), ARBITER",
    .run = run,
};
