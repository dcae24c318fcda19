/* vmreclaim host */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/number.h"
#include "controller/cli/cli.h"
#include "controller/cli/host-head.h"
#include "controller/cli/messages.h"
#include "controller/cli/table.h"

typedef Vmreclaim__Controller__V1__GetHostResponse Response;

/* In their order. */
static const struct {
    const char *name;
    const char *heading;
    const char *meaning;
} steps[] = {
    {"report", "REPORT", "free, and comes by itself; a kick hastens it"},
    {"reclaim", "RECLAIM", "file cache above what the policies leave"},
    {"compact", "COMPACT", "free in pieces too small to return"},
    {"pulse", "PULSE", "free in guests that do not report it"},
    {"balloon", "BALLOON", "under leases: guests keep what they use and a reserve"},
};

/* 0: the step brings nothing there. */
static uint64_t bytes_of(const HostVm *vm, const char *step)
{
    for (size_t i = 0; i < vm->n_steps; i++)
        if (strcmp(vm->steps[i]->name, step) == 0)
            return vm->steps[i]->bytes;
    return 0;
}

/* ---- the host ---- */

static uint64_t footprint_of_all(const Response *response, size_t *ret_unknown)
{
    uint64_t sum = 0;

    *ret_unknown = 0;
    for (size_t i = 0; i < response->n_vms; i++) {
        sum += response->vms[i]->footprint;
        *ret_unknown += !response->vms[i]->footprint_is_known;
    }
    return sum;
}

static int print_sum(const Response *response)
{
    size_t unknown;
    uint64_t footprint = footprint_of_all(response, &unknown);
    char vms[128];

    snprintf(vms, sizeof(vms), "%zu, which hold %s", response->n_vms, BYTES_TEXT(footprint));
    if (unknown > 0)
        snprintf(vms, sizeof(vms), "%zu; %zu of them hold %s, of the others it is not known",
                 response->n_vms, response->n_vms - unknown, BYTES_TEXT(footprint));
    if (host_print_head(response->host, vms) != EXIT_DONE)
        return EXIT_FAILED;
    host_print_bar(response->host, footprint);
    putchar('\n');
    return EXIT_DONE;
}

/* ---- the steps ---- */

/* `name` NULL: all steps together. */
static void add_step(struct table *table, const Response *response, const char *name,
                     const char *meaning)
{
    uint64_t bytes = 0;
    size_t count = 0;

    for (size_t i = 0; i < response->n_vms; i++) {
        const HostVm *vm = response->vms[i];
        uint64_t more = name == NULL ? vm->could_return : bytes_of(vm, name);

        bytes += more;
        count += more != 0;
    }
    table_row(table);
    table_cell(table, "%s", name == NULL ? "all" : name);
    table_bytes(table, true, bytes);
    table_cell(table, "%zu", count);
    table_cell(table, "%s", meaning);
}

static int print_steps(const Response *response)
{
    static const struct table_column columns[] = {
        {"STEP", 0}, {"COULD RETURN", TABLE_RIGHT}, {"VMS", TABLE_RIGHT}, {"WHAT", TABLE_WRAP}};
    struct table table;

    table_init(&table, columns, ARRAY_SIZE(columns));
    for (size_t i = 0; i < ARRAY_SIZE(steps); i++)
        add_step(&table, response, steps[i].name, steps[i].meaning);
    add_step(&table, response, NULL, "in this order");
    return table_finish(&table, NULL);
}

/* ---- the VMs ---- */

/* The most first; then by name, as they came. */
static int compare(const void *left, const void *right)
{
    const HostVm *const *a = left;
    const HostVm *const *b = right;

    if ((*a)->could_return != (*b)->could_return)
        return (*a)->could_return > (*b)->could_return ? -1 : 1;
    return strcmp((*a)->name, (*b)->name);
}

static void add_note(struct table *table, const HostVm *vm)
{
    if (vm->reason[0] != '\0')
        table_cell(table, "%s", vm->reason);
    else if (vm->balloon_lease != 0)
        table_cell(table, "%s holds %s under a lease",
                   vm->balloon_owner[0] == '\0' ? "somebody" : vm->balloon_owner,
                   BYTES_TEXT(vm->balloon_lease));
    else
        table_cell(table, "%s", vm->only_observed ? "only observed: it has no policy" : "");
}

static int print_vms(const Response *response)
{
    const struct table_column columns[] = {
        {"VM", 0},
        {"HOLDS", TABLE_RIGHT},
        {steps[0].heading, TABLE_RIGHT},
        {steps[1].heading, TABLE_RIGHT},
        {steps[2].heading, TABLE_RIGHT},
        {steps[3].heading, TABLE_RIGHT},
        {steps[4].heading, TABLE_RIGHT},
        {"NOTE", TABLE_CUT},
    };
    struct table table;

    static_assert(ARRAY_SIZE(steps) == 5, "a column for each step");
    qsort((void *)response->vms, response->n_vms, sizeof(response->vms[0]), compare);
    table_init(&table, columns, ARRAY_SIZE(columns));
    for (size_t i = 0; i < response->n_vms; i++) {
        const HostVm *vm = response->vms[i];

        table_row(&table);
        table_cell(&table, "%s", vm->name);
        table_bytes(&table, vm->footprint_is_known, vm->footprint);
        for (size_t j = 0; j < ARRAY_SIZE(steps); j++)
            table_bytes(&table, bytes_of(vm, steps[j].name) != 0, bytes_of(vm, steps[j].name));
        add_note(&table, vm);
    }
    return table_finish(&table, "No VMs. The daemon finds them in /etc/vmreclaim/vms/NAME.yaml; "
                                "see vmreclaimd(8).");
}

/* ---- the command ---- */

static int print(const ProtobufCMessage *message, void *userdata)
{
    const Response *response = (const void *)message;

    if (print_sum(response) != EXIT_DONE)
        return EXIT_FAILED;
    if (response->n_vms > 0) {
        if (print_steps(response) != EXIT_DONE)
            return EXIT_FAILED;
        putchar('\n');
    }
    return print_vms(response);
}

static int run(struct cli *cli, char **operands)
{
    Vmreclaim__Controller__V1__GetHostRequest request =
        VMRECLAIM__CONTROLLER__V1__GET_HOST_REQUEST__INIT;

    return client_list(cli, "GetHost", &request.base, UINT64_MAX, print, NULL);
}

const struct command command_host = {
    .name = "host",
    .operands = "",
    .summary = "the host and its VMs: what could come back, by which step",
    .description = "Shows what the host has and what its VMs hold of it. Then what could come\n"
                   "back by each step, in the order in which a host that is short takes them,\n"
                   "and of which VM. Each byte is counted once, in the first step that could\n"
                   "bring it. The figures are of the newest samples; 'explain VM' takes a new\n"
                   "one. It works whether or not the arbiter is on.",
    .example = "vmreclaim host\n  vmreclaim --json host | jq '[.vms[].could_return] | add'",
    .see_also = "plan, what the arbiter would do now; explain; vm list",
    .run = run,
};
