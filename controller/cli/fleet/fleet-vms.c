/* vmreclaim fleet vms */
#include "controller/cli/fleet/fleet.h"
#include "controller/cli/list.h"

static uint64_t most;

static const FleetVm *vm_of(const struct list_row *row)
{
    return (const FleetVm *)row->message;
}

static void get_footprint(const struct list_row *row, struct list_value *value)
{
    list_number(value, vm_of(row)->vm->footprint_is_known, (int64_t)vm_of(row)->vm->footprint);
}

static void get_name(const struct list_row *row, struct list_value *value)
{
    list_text(value, "%s/%s", vm_of(row)->host, vm_of(row)->vm->name);
}

static void get_agent(const struct list_row *row, struct list_value *value)
{
    if (vm_of(row)->vm->has_agent)
        list_text(value, "yes");
}

static const struct list_column columns[] = {
    {"vm", "HOST/VM", LIST_TEXT, LIST_NAME | LIST_SHORTEN, NULL, get_name, "where it is"},
    {"state", "STATE", LIST_TEXT, 0, "vm.state", NULL, "as in vm list"},
    {"agent", "AGENT", LIST_TEXT, 0, NULL, get_agent, "whether its agent is connected"},
    {"footprint", "FOOTPRINT", LIST_BYTES, LIST_SUM, NULL, get_footprint, "what its host holds"},
    {"could-return", "COULD RETURN", LIST_BYTES, LIST_SUM, "vm.could_return", NULL,
     "what could come back of that"},
    {"policy", "POLICY", LIST_TEXT, LIST_SHORTEN, "vm.policy", NULL, "in force"},
    {"alarm", "ALARM", LIST_TEXT, LIST_WIDE | LIST_WRAP, "vm.alarm", NULL,
     "the guest is starved under a balloon"},
    {NULL, NULL, LIST_TEXT, 0, NULL, NULL, NULL},
};

static const struct list list = {
    .rows = "vms", .columns = columns, .total = "VMs", .empty = "No host has said of a VM yet."};

static int run(struct cli *cli, char **operands)
{
    Vmreclaim__Fleet__V1__ListFleetVmsRequest request =
        VMRECLAIM__FLEET__V1__LIST_FLEET_VMS_REQUEST__INIT;
    struct cli fleet = fleet_cli(cli);

    if (most > 1000)
        return fail(EXIT_USAGE, "fleet vms: --most is 1000 at most");
    request.selector = (char *)fleet_hosts;
    request.most = (uint32_t)most;
    return list_run(&fleet, &list, "ListFleetVms", &request.base, UINT64_MAX);
}

static const struct command_option options[] = {
    FLEET_HOSTS_OPTION,
    {"most", 0, OPTION_NUMBER, "N", "so many of all hosts that could return most, these first",
     &most, NULL},
    {NULL, 0, OPTION_FLAG, NULL, NULL, NULL, NULL},
};

const struct command command_fleet_vms = {
    .name = "fleet vms",
    .operands = "",
    .list = &list,
    .summary = "the VMs of all hosts that could give most back",
    .description = "Of each host those that could give most back, 150 at most; the totals of\n"
                   "fleet hosts are of all.",
    .example = "vmreclaim fleet vms --hosts 'rack2-*' --most 20",
    .see_also = "fleet hosts; vm list, for this host alone",
    .options = options,
    .run = run,
};
