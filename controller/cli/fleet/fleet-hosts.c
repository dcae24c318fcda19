/* vmreclaim fleet hosts */
#include <string.h>

#include "controller/cli/fleet/fleet.h"
#include "controller/cli/list.h"

static const FleetHost *host_of(const struct list_row *row)
{
    return (const FleetHost *)row->message;
}

/* A host without a status has no figures. */
static void get_name(const struct list_row *row, struct list_value *value)
{
    if (host_of(row)->status != NULL)
        list_text(value, "%s", host_of(row)->status->name);
}

static void get_presence(const struct list_row *row, struct list_value *value)
{
    list_text(value, "%s", host_of(row)->presence);
    if (strcmp(value->text, "lost") == 0)
        value->color = COLOR_BAD;
}

static bool is_there(const struct list_row *row)
{
    return host_of(row)->status != NULL && host_of(row)->status->problem[0] == '\0';
}

static void get_available(const struct list_row *row, struct list_value *value)
{
    bool is_known = is_there(row) && host_of(row)->status->host != NULL;

    list_number(value, is_known, is_known ? (int64_t)host_of(row)->status->host->available : 0);
}

static void get_footprint(const struct list_row *row, struct list_value *value)
{
    list_number(value, is_there(row), is_there(row) ? (int64_t)host_of(row)->status->footprint : 0);
}

static void get_could_return(const struct list_row *row, struct list_value *value)
{
    list_number(value, is_there(row),
                is_there(row) ? (int64_t)host_of(row)->status->could_return : 0);
}

static void get_vms(const struct list_row *row, struct list_value *value)
{
    list_number(value, is_there(row), is_there(row) ? (int64_t)host_of(row)->status->vm_count : 0);
}

static void get_age(const struct list_row *row, struct list_value *value)
{
    list_number(value, host_of(row)->age_is_known, (int64_t)host_of(row)->age_ns);
}

static void get_note(const struct list_row *row, struct list_value *value)
{
    const Vmreclaim__Fleet__V1__HostStatus *status = host_of(row)->status;

    if (status == NULL)
        list_text(value, "never heard");
    else if (status->problem[0] != '\0')
        list_text(value, "%s", status->problem);
    else if (status->applied != NULL && status->applied->refused[0] != '\0')
        list_text(value, "%s", status->applied->refused);
    else if (status->n_degraded > 0)
        list_text(value, "%s", status->degraded[0]);
}

static const struct list_column columns[] = {
    {"host", "HOST", LIST_TEXT, LIST_NAME | LIST_SHORTEN, "host", NULL, "its id"},
    {"name", "NAME", LIST_TEXT, LIST_SHORTEN, NULL, get_name, "for people"},
    {"presence", "STATE", LIST_TEXT, 0, NULL, get_presence, "present, lost or unknown"},
    {"vms", "VMS", LIST_NUMBER, LIST_SUM, NULL, get_vms, "how many it has"},
    {"available", "AVAILABLE", LIST_BYTES, LIST_SUM, NULL, get_available, "what the host has left"},
    {"footprint", "FOOTPRINT", LIST_BYTES, LIST_SUM, NULL, get_footprint, "what its VMs hold"},
    {"could-return", "COULD RETURN", LIST_BYTES, LIST_SUM, NULL, get_could_return,
     "what could come back of that"},
    {"age", "AGE", LIST_DURATION, LIST_WIDE, NULL, get_age, "since its last status"},
    {"generation", "GENERATION", LIST_NUMBER, LIST_WIDE, "wanted_generation", NULL,
     "of what it is to run"},
    {"note", "NOTE", LIST_TEXT, LIST_WIDE | LIST_WRAP, NULL, get_note, "what is wrong"},
    {NULL, NULL, LIST_TEXT, 0, NULL, NULL, NULL},
};

static const struct list list = {.rows = "hosts",
                                 .columns = columns,
                                 .total = "hosts",
                                 .empty = "No host has said anything yet."};

static int run(struct cli *cli, char **operands)
{
    Vmreclaim__Fleet__V1__ListHostsRequest request = VMRECLAIM__FLEET__V1__LIST_HOSTS_REQUEST__INIT;
    struct cli fleet = fleet_cli(cli);

    request.selector = (char *)fleet_hosts;
    return list_run(&fleet, &list, "ListHosts", &request.base, UINT64_MAX);
}

const struct command command_fleet_hosts = {
    .name = "fleet hosts",
    .operands = "",
    .list = &list,
    .summary = "all hosts of the fleet, and what could come back on each",
    .description = "Asks a coordinator of the fleet, at VMRECLAIM_FLEET, else at\n" FLEET_API
                   ". Each host says every ten\n"
                   "seconds what it has; one that was silent for longer than half a minute is\n"
                   "lost. What is not known is a dash.",
    .example = "vmreclaim fleet hosts --sort -could-return",
    .see_also = "fleet vms; fleet status; host, for this host alone",
    .options = fleet_hosts_options,
    .run = run,
};
