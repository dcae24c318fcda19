/* vmreclaim host */
#include <stdio.h>
#include <string.h>

#include "common/base/number.h"
#include "controller/cli/cli.h"
#include "controller/cli/host-head.h"
#include "controller/cli/list.h"
#include "controller/cli/messages.h"
#include "controller/cli/table.h"

typedef Vmreclaim__Controller__V1__GetHostResponse Response;

/* In their order. */
static const struct {
    const char *name;
    const char *meaning;
} steps[] = {
    {"report", "free, and comes by itself; a kick hastens it"},
    {"reclaim", "file cache above what the policies leave"},
    {"compact", "free in pieces too small to return"},
    {"pulse", "free in guests that do not report it"},
    {"balloon", "under leases: guests keep what they use and a reserve"},
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

static void get_step(const struct list_row *row, struct list_value *value)
{
    uint64_t bytes = bytes_of((const HostVm *)row->message, row->key);

    list_number(value, bytes != 0, (int64_t)bytes);
}

static void get_lease(const struct list_row *row, struct list_value *value)
{
    const HostVm *vm = (const HostVm *)row->message;

    list_number(value, vm->balloon_lease != 0, (int64_t)vm->balloon_lease);
}

static void get_note(const struct list_row *row, struct list_value *value)
{
    const HostVm *vm = (const HostVm *)row->message;

    if (vm->reason[0] != '\0')
        list_text(value, "%s", vm->reason);
    else if (vm->balloon_lease != 0)
        list_text(value, "%s holds %s under a lease",
                  vm->balloon_owner[0] == '\0' ? "somebody" : vm->balloon_owner,
                  BYTES_TEXT(vm->balloon_lease));
    else
        list_text(value, "%s", vm->only_observed ? "only observed: it has no policy" : "");
}

static const struct list_column columns[] = {
    {"vm", "VM", LIST_TEXT, LIST_NAME | LIST_SHORTEN, "name", NULL, "its name"},
    {"state", "STATE", LIST_TEXT, LIST_WIDE, "state", NULL, "of its life"},
    {"memory", "MEMORY", LIST_BYTES, LIST_WIDE, "vm_ram", NULL, "what it was given"},
    {"holds", "HOLDS", LIST_BYTES, 0, "footprint", NULL, "what the host holds for it"},
    {"report", "REPORT", LIST_BYTES, 0, NULL, get_step, "free, and comes by itself"},
    {"reclaim", "RECLAIM", LIST_BYTES, 0, NULL, get_step, "file cache that could come back"},
    {"compact", "COMPACT", LIST_BYTES, 0, NULL, get_step, "free in pieces"},
    {"pulse", "PULSE", LIST_BYTES, 0, NULL, get_step, "free, and not reported"},
    {"balloon", "BALLOON", LIST_BYTES, 0, NULL, get_step, "what a lease could take"},
    {"returnable", "RETURNABLE", LIST_BYTES, LIST_WIDE, "could_return", NULL,
     "all of these together"},
    {"lease", "LEASE", LIST_BYTES, LIST_BY_KEY, NULL, get_lease, "what is held already"},
    {"owner", "OWNER", LIST_TEXT, LIST_BY_KEY, "balloon_owner", NULL, "of the lease"},
    {"note", "NOTE", LIST_TEXT, LIST_CUT, NULL, get_note, "why nothing could come back"},
    {NULL, NULL, LIST_TEXT, 0, NULL, NULL, NULL},
};

static int print_head(const ProtobufCMessage *answer)
{
    const Response *response = (const void *)answer;

    if (print_sum(response) != EXIT_DONE)
        return EXIT_FAILED;
    if (response->n_vms == 0)
        return EXIT_DONE;
    if (print_steps(response) != EXIT_DONE)
        return EXIT_FAILED;
    putchar('\n');
    return EXIT_DONE;
}

/* By what could come back, the most first; equal ones by name, as they come. */
static const struct list list = {
    .rows = "vms",
    .columns = columns,
    .sort = "-returnable",
    .empty = "No VMs. The daemon finds them in /etc/vmreclaim/vms/NAME.yaml; see vmreclaimd(8).",
    .before = print_head,
};

/* ---- the command ---- */

static int run(struct cli *cli, char **operands)
{
    Vmreclaim__Controller__V1__GetHostRequest request =
        VMRECLAIM__CONTROLLER__V1__GET_HOST_REQUEST__INIT;

    return list_run(cli, &list, "GetHost", &request.base, UINT64_MAX);
}

const struct command command_host = {
    .name = "host",
    .operands = "",
    .list = &list,
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
