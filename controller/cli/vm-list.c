/* vmreclaim vm list */
#include "controller/cli/cli.h"
#include "controller/cli/messages.h"
#include "controller/cli/table.h"
#include "controller/cli/waterfall.h"

static const struct table_column columns[] = {
    {"NAME", 0},
    {"STATE", 0},
    {"AGENT", 0},
    {"FOOTPRINT", TABLE_RIGHT},
    {"MEMORY", TABLE_RIGHT},
    {"IN USE", TABLE_RIGHT},
    {"CACHE", TABLE_RIGHT},
    {"TRAPPED", TABLE_RIGHT},
    {"REPORTED", TABLE_RIGHT},
    {"BALLOON", TABLE_RIGHT},
    {"POLICY", TABLE_WRAP},
};

static const char *agent_state(const Vm *vm)
{
    if (!vm->agent_connected)
        return "-";
    return vm->announced ? "yes" : "unannounced";
}

static void add_vm(struct table *table, const Vm *vm)
{
    static const Waterfall none = VMRECLAIM__CONTROLLER__V1__WATERFALL__INIT;
    const Waterfall *w = vm->waterfall == NULL ? &none : vm->waterfall;

    table_row(table);
    table_cell(table, "%s", vm->name);
    table_cell(table, "%s%s%s", vm->state, vm->alarm[0] != '\0' ? ", starved" : "",
               vm->halted ? ", halted" : "");
    table_cell(table, "%s", agent_state(vm));
    table_bytes(table, waterfall_host_is_known(w), w->footprint);
    table_bytes(table, w->vm_ram != 0, w->vm_ram);
    table_bytes(table, w->guest_is_known, w->in_use);
    table_bytes(table, w->guest_is_known, w->cache);
    table_bytes(table, w->guest_is_known, w->trapped);
    table_bytes(table, w->reported_is_known || w->reported != 0, w->reported);
    table_bytes(table, w->balloon_is_known || w->balloon != 0, w->balloon);
    table_cell(table, "%s", vm->policy[0] == '\0' ? "-" : vm->policy);
}

static int print(const ProtobufCMessage *message, void *userdata)
{
    const Vmreclaim__Controller__V1__ListVmsResponse *list = (const void *)message;
    struct table table;

    table_init(&table, columns, ARRAY_SIZE(columns));
    for (size_t i = 0; i < list->n_vms; i++)
        add_vm(&table, list->vms[i]);
    return table_finish(&table, "No VMs. The daemon finds them in /etc/vmreclaim/vms/NAME.yaml; "
                                "see vmreclaimd(8).");
}

static int run(struct cli *cli, char **operands)
{
    Vmreclaim__Controller__V1__ListVmsRequest request =
        VMRECLAIM__CONTROLLER__V1__LIST_VMS_REQUEST__INIT;

    return client_list(cli, "ListVms", &request.base, UINT64_MAX, print, NULL);
}

const struct command command_vm_list = {
    .name = "vm list",
    .operands = "",
    .summary = "every VM: what it costs the host, and why",
    .description =
        "Lists the VMs the daemon knows, with the newest measurement of each.\n\n"
        "FOOTPRINT is what the host holds for the VM, MEMORY what the VM was given. IN USE,\n"
        "CACHE, TRAPPED and REPORTED come from the agent in the guest: used by processes and\n"
        "kernel; file cache it could give up; free but too fragmented to return; returned.",
    .example = "vmreclaim vm list\n  vmreclaim --json vm list | jq '.vms[] | .name'",
    .see_also = "vm show, explain",
    .run = run,
};
