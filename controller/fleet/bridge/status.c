/* VMs are matched with their figures by name; both answers are in its order. */
#include "controller/fleet/bridge/status.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/util.h"
#include "common/ttrpc/wire.h"

#define FIGURES_MAX 8

typedef Vmreclaim__Fleet__V1__HostStatus Status;
typedef Vmreclaim__Fleet__V1__VmStatus VmStatus;
typedef Vmreclaim__Fleet__V1__Figure Figure;
typedef Vmreclaim__Controller__V1__Vm Vm;
typedef Vmreclaim__Controller__V1__GetCountersResponse Counters;
typedef Vmreclaim__Controller__V1__VmCounters VmCounters;

static char empty[] = "";

/* ---- figures ---- */

/* Counters of the daemon's table, and what of them is asked; several of a kind are added up. */
static const struct {
    const char *counter;
    Vmreclaim__Fleet__V1__FigureKind kind;
} sources[] = {
    {"guest_oom_kills_total", VMRECLAIM__FLEET__V1__FIGURE_KIND__FIGURE_OOM_KILLS},
    {"guest_refaulted_file_pages_total", VMRECLAIM__FLEET__V1__FIGURE_KIND__FIGURE_REFAULTS},
    {"guest_refaulted_anon_pages_total", VMRECLAIM__FLEET__V1__FIGURE_KIND__FIGURE_REFAULTS},
    {"guest_major_faults_total", VMRECLAIM__FLEET__V1__FIGURE_KIND__FIGURE_MAJOR_FAULTS},
    {"guest_pressure_memory_waiting_seconds_total",
     VMRECLAIM__FLEET__V1__FIGURE_KIND__FIGURE_WAITED_NS},
    {"guest_pressure_memory_stalled_seconds_total",
     VMRECLAIM__FLEET__V1__FIGURE_KIND__FIGURE_STALLED_NS},
    {"vm_host_returned_bytes_total", VMRECLAIM__FLEET__V1__FIGURE_KIND__FIGURE_RETURNED},
    {"vm_actions_declined_total", VMRECLAIM__FLEET__V1__FIGURE_KIND__FIGURE_ACTIONS_REFUSED},
};

/* UNSPECIFIED: it is none of them. */
static Vmreclaim__Fleet__V1__FigureKind kind_of_name(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(sources); i++)
        if (strcmp(sources[i].counter, name) == 0)
            return sources[i].kind;
    return VMRECLAIM__FLEET__V1__FIGURE_KIND__FIGURE_UNSPECIFIED;
}

static Vmreclaim__Fleet__V1__FigureKind kind_of(const Counters *counters, uint32_t series)
{
    if (series >= counters->n_vm_series ||
        counters->vm_series[series]->counter >= counters->n_counters)
        return VMRECLAIM__FLEET__V1__FIGURE_KIND__FIGURE_UNSPECIFIED;
    return kind_of_name(counters->counters[counters->vm_series[series]->counter]->name);
}

static void add_figure(VmStatus *vm, Vmreclaim__Fleet__V1__FigureKind kind, uint64_t value)
{
    for (size_t i = 0; i < vm->n_figures; i++)
        if (vm->figures[i]->kind == kind) {
            vm->figures[i]->value += value;
            return;
        }
    if (vm->n_figures == FIGURES_MAX)
        return;
    vm->figures[vm->n_figures]->kind = kind;
    vm->figures[vm->n_figures++]->value = value;
}

static void add_figures(VmStatus *vm, const Counters *counters, const VmCounters *values)
{
    for (size_t i = 0; i < values->n_series && i < values->n_values; i++) {
        Vmreclaim__Fleet__V1__FigureKind kind = kind_of(counters, values->series[i]);

        if (kind != VMRECLAIM__FLEET__V1__FIGURE_KIND__FIGURE_UNSPECIFIED && values->values[i] >= 0)
            add_figure(vm, kind, (uint64_t)values->values[i]);
    }
}

/* Where there was no action the daemon's table has no row, and the sum is 0; of a daemon that does
 * not count it, it is not known. */
static void add_zeroes(VmStatus *vm, const Counters *counters)
{
    static const char *const of_actions[] = {"vm_host_returned_bytes_total",
                                             "vm_actions_declined_total"};

    for (size_t i = 0; i < counters->n_counters; i++)
        for (size_t k = 0; k < ARRAY_SIZE(of_actions); k++)
            if (strcmp(counters->counters[i]->name, of_actions[k]) == 0)
                add_figure(vm, kind_of_name(of_actions[k]), 0);
}

static int compare_names(const void *name, const void *entry)
{
    return strcmp(name, (*(VmCounters *const *)entry)->vm);
}

static const VmCounters *find_counters(const Counters *counters, const char *name)
{
    VmCounters *const *found = counters == NULL || counters->n_vms == 0
                                   ? NULL
                                   : bsearch(name, counters->vms, counters->n_vms,
                                             sizeof(counters->vms[0]), compare_names);

    return found == NULL ? NULL : *found;
}

/* ---- VMs ---- */

struct row {
    VmStatus vm;
    Figure figures[FIGURES_MAX];
    Figure *figure_list[FIGURES_MAX];
    uint8_t explanation[STATUS_EXPLANATION_MAX];
};

static bool footprint_is_known(const Vm *vm)
{
    return vm->waterfall != NULL && vm->waterfall->host_is_known;
}

static uint64_t could_return(const Vm *vm)
{
    return vm->returns == NULL ? 0 : vm->returns->bytes;
}

static void explain(struct row *row, const Vm *vm)
{
    Vmreclaim__Fleet__V1__VmExplanation explanation = VMRECLAIM__FLEET__V1__VM_EXPLANATION__INIT;

    explanation.waterfall = vm->waterfall;
    explanation.returns = vm->returns;
    explanation.last_sample_ns = vm->last_sample_ns;
    explanation.policy_revision = vm->policy_revision;
    explanation.engine_state = vm->engine_state;
    explanation.driver_state = vm->driver_state;
    explanation.halted = vm->halted;
    if (vmreclaim__fleet__v1__vm_explanation__get_packed_size(&explanation) >
        sizeof(row->explanation))
        return;
    row->vm.explanation.len =
        vmreclaim__fleet__v1__vm_explanation__pack(&explanation, row->explanation);
    row->vm.explanation.data = row->explanation;
}

static void fill_row(struct row *row, const Vm *vm, const Counters *counters)
{
    const VmCounters *values = find_counters(counters, vm->name);

    vmreclaim__fleet__v1__vm_status__init(&row->vm);
    for (size_t i = 0; i < FIGURES_MAX; i++) {
        vmreclaim__fleet__v1__figure__init(&row->figures[i]);
        row->figure_list[i] = &row->figures[i];
    }
    row->vm.figures = row->figure_list;
    row->vm.name = vm->name;
    row->vm.uuid = vm->uuid;
    row->vm.state = vm->state;
    row->vm.boot_id = vm->boot_id;
    row->vm.has_agent = vm->agent_connected;
    row->vm.vm_ram = vm->waterfall == NULL ? 0 : vm->waterfall->vm_ram;
    row->vm.footprint_is_known = footprint_is_known(vm);
    row->vm.footprint = footprint_is_known(vm) ? vm->waterfall->footprint : 0;
    row->vm.could_return = could_return(vm);
    row->vm.policy = vm->policy;
    row->vm.alarm = vm->alarm;
    explain(row, vm);
    if (values == NULL)
        return;
    add_zeroes(&row->vm, counters);
    add_figures(&row->vm, counters, values);
}

/* Those that could return most first; of equal ones by name, so that they are the same ones. */
static int compare_rows(const void *left, const void *right)
{
    const Vm *a = *(Vm *const *)left;
    const Vm *b = *(Vm *const *)right;

    if (could_return(a) != could_return(b))
        return could_return(a) > could_return(b) ? -1 : 1;
    return strcmp(a->name, b->name);
}

static void add_totals(Status *status, const Vmreclaim__Controller__V1__ListVmsResponse *list)
{
    status->vm_count = (uint32_t)list->n_vms;
    for (size_t i = 0; i < list->n_vms; i++) {
        status->footprint +=
            footprint_is_known(list->vms[i]) ? list->vms[i]->waterfall->footprint : 0;
        status->could_return += could_return(list->vms[i]);
    }
}

/* ---- the whole ---- */

static uint64_t returned(const Counters *counters)
{
    uint64_t bytes = 0;

    for (size_t i = 0; i < counters->n_host; i++) {
        uint32_t counter = counters->host[i]->counter;

        if (counter < counters->n_counters && counters->host[i]->value > 0 &&
            strcmp(counters->counters[counter]->name, "host_returned_bytes_total") == 0)
            bytes += (uint64_t)counters->host[i]->value;
    }
    return bytes;
}

/* From the last VM on, until the rest fits. Returns how long that is. */
static size_t drop_explanations(Status *status)
{
    size_t length = vmreclaim__fleet__v1__host_status__get_packed_size(status);
    size_t dropped = 0;

    for (size_t i = status->n_vms; i > 0 && length - dropped > STATUS_BYTES_MAX; i--) {
        dropped += status->vms[i - 1]->explanation.len;
        status->vms[i - 1]->explanation.len = 0;
    }
    return vmreclaim__fleet__v1__host_status__get_packed_size(status);
}

/* As many rows as fit. */
static uint8_t *pack(Status *status, size_t *ret_length)
{
    size_t length = drop_explanations(status);
    uint8_t *packed;

    while (length > STATUS_BYTES_MAX && status->n_vms > 0) {
        status->n_vms = status->n_vms * 3 / 4;
        length = vmreclaim__fleet__v1__host_status__get_packed_size(status);
    }
    packed = malloc(length + 1);
    if (packed != NULL)
        *ret_length = wire_pack_message(&status->base, packed);
    return packed;
}

static uint8_t *pack_with_vms(Status *status, const struct status_parts *parts, size_t *ret_length)
{
    const Vmreclaim__Controller__V1__ListVmsResponse *list = parts->list;
    size_t count = min_of(list->n_vms, (size_t)STATUS_VMS_MAX);
    Vm **sorted = calloc(list->n_vms + 1, sizeof(*sorted));
    struct row *rows = calloc(count + 1, sizeof(*rows));
    VmStatus **pointers = calloc(count + 1, sizeof(VmStatus *));
    uint8_t *packed = NULL;

    if (sorted != NULL && rows != NULL && pointers != NULL) {
        for (size_t i = 0; i < list->n_vms; i++)
            sorted[i] = list->vms[i];
        qsort(sorted, list->n_vms, sizeof(*sorted), compare_rows);
        for (size_t i = 0; i < count; i++) {
            fill_row(&rows[i], sorted[i], parts->counters);
            pointers[i] = &rows[i].vm;
        }
        add_totals(status, list);
        status->vms = pointers;
        status->n_vms = count;
        packed = pack(status, ret_length);
        status->vms = NULL;
        status->n_vms = 0;
    }
    free(sorted);
    free(rows);
    free(pointers);
    return packed;
}

static char **degraded_texts(const Vmreclaim__Controller__V1__GetStatusResponse *status)
{
    char **texts = calloc(status->n_degraded + 1, sizeof(*texts));

    for (size_t i = 0; i < status->n_degraded && texts != NULL; i++)
        texts[i] = status->degraded[i]->reason;
    return texts;
}

uint8_t *status_pack(Status *status, const struct status_parts *parts, size_t *ret_length)
{
    uint8_t *packed;

    status->host = parts->host == NULL ? NULL : parts->host->host;
    if (parts->counters != NULL)
        status->returned = returned(parts->counters);
    if (parts->status != NULL) {
        status->version = parts->status->version;
        status->started_ns = parts->status->started_ns;
        status->applied = parts->status->fleet;
        status->degraded = degraded_texts(parts->status);
        if (status->degraded == NULL)
            return NULL;
        status->n_degraded = parts->status->n_degraded;
    }
    packed =
        parts->list == NULL ? pack(status, ret_length) : pack_with_vms(status, parts, ret_length);
    free(status->degraded);
    status->degraded = NULL;
    status->n_degraded = 0;
    status->version = empty;
    status->applied = NULL;
    status->host = NULL;
    return packed;
}
