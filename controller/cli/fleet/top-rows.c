/* Hosts and VMs of a fleet as rows. */
#include "controller/cli/fleet/top-rows.h"

#include <inttypes.h>
#include <string.h>

#include "common/base/number.h"
#include "common/base/text.h"

#define WAITING_PERMYRIAD 1000

typedef Vmreclaim__Fleet__V1__HostStatus HostStatus;

/* ---- words ---- */

static const struct top_letter host_legend[] = {
    {'V', "held for VMs"},
    {'o', "what else uses it"},
    {'.', "available"},
    {'\0', NULL},
};

static const struct top_letter vm_legend[] = {
    {'#', "held by its host"},
    {'.', "not on the host"},
    {'\0', NULL},
};

#define NO_ACTIONS "actions are their own host's: vmreclaim -H ssh://HOST top"

const struct top_kind fleet_top_hosts = {
    .program = "vmreclaim fleet top",
    .noun = "host",
    .heading = "HOST",
    .how = "STATE",
    .bars = "MEMORY OF THE HOST, BY USE",
    .peer = "coordinator",
    .peer_loud = "COORDINATOR",
    .asking = "is asked for",
    .keys = "?:help q:quit Enter:explain v:VMs s:sort /:filter",
    .nothing = "No host has said anything yet.",
    .no_actions = NO_ACTIONS,
    .legend_title = "A bar is the host's memory:",
    .legend = host_legend,
    .other = &fleet_top_vms,
    .is_quiet = true,
};

const struct top_kind fleet_top_vms = {
    .program = "vmreclaim fleet top",
    .noun = "VM",
    .heading = "HOST/VM",
    .how = "STATE",
    .bars = "MEMORY OF THE VM, BY USE",
    .peer = "coordinator",
    .peer_loud = "COORDINATOR",
    .asking = "is asked for",
    .keys = "?:help q:quit Enter:explain v:hosts s:sort /:filter",
    .nothing = "No host has said of a VM yet.",
    .no_actions = NO_ACTIONS,
    .legend_title = "A bar is the VM's memory; the list has those that could return most:",
    .legend = vm_legend,
    .other = &fleet_top_hosts,
    .is_quiet = true,
    .is_part = true,
};

/* ---- hosts ---- */

static bool has_figures(const FleetHost *host)
{
    return host->status != NULL && host->status->problem[0] == '\0';
}

static void add_note(struct top_vm *row, const char *text)
{
    if (text[0] == '\0')
        return;
    if (row->note[0] != '\0')
        text_append_bytes(row->note, sizeof(row->note), "; ", 2);
    text_append_bytes(row->note, sizeof(row->note), text, strlen(text));
}

static void fill_figures(const HostStatus *status, struct top_vm *row)
{
    char text[64];

    row->footprint_is_known = true;
    row->footprint = status->footprint;
    row->could_return = status->could_return;
    text_format(text, sizeof(text), "%" PRIu32 " VMs, returned %s", status->vm_count,
                BYTES_TEXT(status->returned));
    add_note(row, text);
    if (status->host == NULL)
        return;
    if (status->host->pressure_is_known) {
        text_format(text, sizeof(text), "pressure %.1f %%",
                    (double)status->host->pressure_some_permyriad / 100);
        add_note(row, text);
    }
    if (status->host->total == 0)
        return;
    host_parts(status->host->total, status->host->available, status->footprint, row->parts);
    row->part_count = HOST_PARTS_MAX;
    row->whole = status->host->total;
}

void fleet_top_fill_host(const FleetHost *host, struct top_vm *ret_row)
{
    *ret_row = (struct top_vm){.footprint_is_known = false};
    text_copy(ret_row->name, sizeof(ret_row->name), host->host);
    text_copy(ret_row->state, sizeof(ret_row->state), host->presence);
    ret_row->is_alarming = strcmp(host->presence, "lost") == 0;
    text_copy(ret_row->how, sizeof(ret_row->how), ret_row->is_alarming ? "LOST" : host->presence);
    if (host->status == NULL) {
        add_note(ret_row, "never heard");
        return;
    }
    add_note(ret_row, host->status->problem);
    if (has_figures(host))
        fill_figures(host->status, ret_row);
    if (host->status->n_degraded > 0)
        add_note(ret_row, host->status->degraded[0]);
}

/* ---- VMs ---- */

void fleet_top_fill_vm(const FleetVm *vm, struct top_vm *ret_row)
{
    const Vmreclaim__Fleet__V1__VmStatus *status = vm->vm;

    *ret_row = (struct top_vm){.footprint_is_known = false};
    if (status == NULL)
        return;
    text_format(ret_row->name, sizeof(ret_row->name), "%s/%s", vm->host, status->name);
    text_copy(ret_row->state, sizeof(ret_row->state), status->state);
    ret_row->footprint_is_known = status->footprint_is_known;
    ret_row->footprint = status->footprint;
    ret_row->could_return = status->could_return;
    ret_row->is_alarming = status->alarm[0] != '\0';
    if (ret_row->is_alarming)
        text_format(ret_row->note, sizeof(ret_row->note), "STARVED: %s", status->alarm);
    else if (status->policy[0] != '\0')
        text_format(ret_row->note, sizeof(ret_row->note), "policy %s", status->policy);
    if (!ret_row->is_alarming)
        text_copy(ret_row->how, sizeof(ret_row->how), status->state);
    if (!status->footprint_is_known)
        return;
    ret_row->parts[0] = (struct bar_part){'#', status->footprint};
    ret_row->part_count = 1;
    ret_row->whole = max_of(status->vm_ram, status->footprint);
}

/* ---- sums ---- */

void fleet_top_add(struct fleet_top_sums *sums, const FleetHost *host)
{
    const Host *memory = has_figures(host) ? host->status->host : NULL;

    sums->hosts++;
    sums->lost += strcmp(host->presence, "lost") == 0;
    if (!has_figures(host))
        return;
    sums->vms += host->status->vm_count;
    sums->returned += host->status->returned;
    if (memory == NULL)
        return;
    sums->total += memory->total;
    sums->available += memory->available;
    sums->waiting +=
        memory->pressure_is_known && memory->pressure_some_permyriad >= WAITING_PERMYRIAD;
}

static char *next_line(struct top_model *model)
{
    return model->head[model->head_count++];
}

void fleet_top_show(const struct fleet_top_sums *sums, struct top_model *model)
{
    const size_t size = sizeof(model->head[0]);

    model->head_count = 0;
    model->host_total = sums->total;
    model->host_available = sums->available;
    text_format(next_line(model), size, "memory %s, available %s", BYTES_TEXT(sums->total),
                BYTES_TEXT(sums->available));
    text_format(next_line(model), size, "VMs %" PRIu64, sums->vms);
    text_format(next_line(model), size, "returned %s", BYTES_TEXT(sums->returned));
    if (sums->lost > 0)
        text_format(next_line(model), size, "lost %" PRIu64 " of %" PRIu64, sums->lost,
                    sums->hosts);
    if (sums->waiting > 0)
        text_format(next_line(model), size, "tasks wait for memory on %" PRIu64, sums->waiting);
}
