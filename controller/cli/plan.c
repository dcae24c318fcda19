/* vmreclaim plan */
#include <stdio.h>
#include <string.h>

#include "common/base/number.h"
#include "controller/cli/host-head.h"
#include "controller/cli/list.h"
#include "controller/cli/messages.h"

typedef Vmreclaim__Controller__V1__GetPlanResponse Response;

/* "lease to 3.0 GiB" */
static void get_step(const struct list_row *row, struct list_value *value)
{
    const PlannedVm *vm = (const PlannedVm *)row->message;

    if (vm->size != 0)
        list_text(value, "%s to %s", vm->step, BYTES_TEXT(vm->size));
    else
        list_text(value, "%s", vm->step);
}

static void get_bytes(const struct list_row *row, struct list_value *value)
{
    const PlannedVm *vm = (const PlannedVm *)row->message;

    list_number(value, vm->step[0] != '\0', (int64_t)vm->bytes);
}

static void get_lease(const struct list_row *row, struct list_value *value)
{
    const PlannedVm *vm = (const PlannedVm *)row->message;

    list_number(value, vm->lease != 0, (int64_t)vm->lease);
}

static const struct list_column columns[] = {
    {"vm", "VM", LIST_TEXT, LIST_NAME | LIST_SHORTEN, "vm", NULL, "its name"},
    {"step", "STEP", LIST_TEXT, 0, NULL, get_step, "what would be done to it"},
    {"bytes", "BYTES", LIST_BYTES, 0, NULL, get_bytes, "that it would bring, or give back"},
    {"memory", "MEMORY", LIST_BYTES, LIST_WIDE, "vm_ram", NULL, "what it was given"},
    {"footprint", "FOOTPRINT", LIST_BYTES, LIST_WIDE, "footprint", NULL,
     "what the host holds for it"},
    {"working-set", "WORKING SET", LIST_BYTES, LIST_WIDE, "working_set", NULL,
     "what the guest says it needs"},
    {"share", "SHARE", LIST_BYTES, LIST_WIDE, "share", NULL, "what it may hold now"},
    {"floor", "FLOOR", LIST_BYTES, LIST_BY_KEY, "floor", NULL,
     "what it keeps, however short the host is"},
    {"ceiling", "CEILING", LIST_BYTES, LIST_BY_KEY, "ceiling", NULL, "what it never holds more of"},
    {"shares", "SHARES", LIST_NUMBER, LIST_BY_KEY, "shares", NULL, "its weight among all"},
    {"priority", "PRIORITY", LIST_NUMBER, LIST_BY_KEY, "priority", NULL,
     "the lower, the sooner it gives"},
    {"lease", "LEASE", LIST_BYTES, LIST_BY_KEY, NULL, get_lease, "what the arbiter holds of it"},
    {"cause", "CAUSE", LIST_TEXT, LIST_BY_KEY, "cause", NULL, "why, in one word"},
    {"why", "WHY", LIST_TEXT, LIST_WRAP, "reason", NULL, "the same with its numbers"},
    {NULL, NULL, LIST_TEXT, 0, NULL, NULL, NULL},
};

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

static int print_head(const ProtobufCMessage *answer)
{
    const Response *response = (const void *)answer;

    if (host_print_head(response->host, NULL) != EXIT_DONE)
        return EXIT_FAILED;
    putchar('\n');
    print_sum(response);
    putchar('\n');
    return EXIT_DONE;
}

static int print_omitted(const ProtobufCMessage *answer)
{
    const Response *response = (const void *)answer;

    if (response->omitted > 0)
        printf("%u more VMs, to which nothing would be done.\n", response->omitted);
    return EXIT_DONE;
}

static const struct list list = {
    .rows = "vms",
    .columns = columns,
    .empty = "No VMs.",
    .before = print_head,
    .after = print_omitted,
};

static int run(struct cli *cli, char **operands)
{
    Vmreclaim__Controller__V1__GetPlanRequest request =
        VMRECLAIM__CONTROLLER__V1__GET_PLAN_REQUEST__INIT;

    return list_run(cli, &list, "GetPlan", &request.base, UINT64_MAX);
}

const struct command command_plan = {
    .name = "plan",
    .operands = "",
    .list = &list,
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
