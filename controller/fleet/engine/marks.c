/* Where the counters stood. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/hash.h"
#include "common/base/util.h"
#include "controller/fleet/engine/document.h"
#include "controller/fleet/engine/tally.h"

static void host_mark_finish(struct host_mark *mark)
{
    free(mark->id);
    free(mark->vms);
    *mark = (struct host_mark){.id = NULL};
}

void marks_finish(struct marks *marks)
{
    for (size_t i = 0; i < marks->count; i++)
        host_mark_finish(&marks->hosts[i]);
    free(marks->hosts);
    *marks = (struct marks){.hosts = NULL};
}

void marks_forget(struct marks *marks)
{
    marks_finish(marks);
}

/* What waiting is a part of; min_of(..., it) * PERMYRIAD stays in range. */
#define PRESSURE_LENGTH_MAX (300 * NSEC_PER_SEC)

/* ---- VMs ---- */

/* By its UUID; where that is not known by its name, which no other VM of its host has. */
static uint64_t identity_of(const VmStatus *vm)
{
    return hash_text(vm->uuid[0] == '\0' ? vm->name : vm->uuid);
}

static const struct vm_mark *find_vm(const struct host_mark *mark, uint64_t vm, size_t likely)
{
    if (likely < mark->count && mark->vms[likely].vm == vm)
        return &mark->vms[likely];
    for (size_t i = 0; i < mark->count; i++)
        if (mark->vms[i].vm == vm)
            return &mark->vms[i];
    return NULL;
}

/* A boot id that is not known any more is no other boot. */
static bool has_booted(const struct vm_mark *before, uint64_t boot)
{
    return before->boot != 0 && boot != 0 && before->boot != boot;
}

/* What is seen for the first time counts from here. */
static void mark_figures(struct figure_mark *mark, const VmStatus *vm)
{
    for (size_t i = 0; i < vm->n_figures; i++) {
        unsigned kind = (unsigned)vm->figures[i]->kind;

        if (kind >= FIGURE_COUNT || (mark->known & 1U << kind) != 0)
            continue;
        mark->known = (uint8_t)(mark->known | 1U << kind);
        mark->values[kind] = vm->figures[i]->value;
    }
}

static bool find_waited(const VmStatus *vm, uint64_t *ret_waited)
{
    for (size_t i = 0; i < vm->n_figures; i++)
        if (vm->figures[i]->kind == FIGURE(WAITED_NS)) {
            *ret_waited = vm->figures[i]->value;
            return true;
        }
    return false;
}

/* Between two statuses by the sender's clock: they may come late and in bursts. */
static void mark_pressure(struct vm_mark *mark, const VmStatus *vm, int64_t time_ns)
{
    nsec_t length = time_realtime_between(mark->time_ns, time_ns);
    uint64_t waited = 0;
    bool is_known = find_waited(vm, &waited);

    mark->has_pressure = is_known && mark->time_ns != 0 && waited >= mark->waited && length > 0 &&
                         length < PRESSURE_LENGTH_MAX;
    if (mark->has_pressure)
        mark->pressure = (uint16_t)(min_of(waited - mark->waited, length) * PERMYRIAD / length);
    mark->waited = waited;
    mark->time_ns = is_known ? time_ns : 0;
}

/* `is_anew`: so are the daemon's counters. */
static struct vm_mark mark_vm(const struct vm_mark *before, const VmStatus *vm,
                              const struct fleet_host *host, bool is_anew)
{
    uint64_t boot = vm->boot_id[0] == '\0' ? 0 : hash_text(vm->boot_id) | 1;
    struct vm_mark mark = {.vm = identity_of(vm), .boot = boot};

    mark.begin.time = mark.next.time = host->heard;
    if (before != NULL && !is_anew && !has_booted(before, boot))
        mark = *before;
    if (boot != 0)
        mark.boot = boot;
    mark.had_agent = vm->has_agent || (before != NULL && before->had_agent);
    mark_figures(&mark.begin, vm);
    mark_figures(&mark.next, vm);
    mark_pressure(&mark, vm, host->status->time_ns);
    return mark;
}

/* ---- hosts ---- */

static int mark_vms(struct host_mark *mark, const struct fleet_host *host)
{
    size_t count = host->status->n_vms;
    struct vm_mark *vms = calloc(count + 1, sizeof(*vms));
    int64_t started = host->status->started_ns;
    bool is_anew = mark->started_ns != 0 && started != 0 && mark->started_ns != started;

    if (vms == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++) {
        const VmStatus *vm = host->status->vms[i];

        vms[i] = mark_vm(find_vm(mark, identity_of(vm), i), vm, host, is_anew);
    }
    free(mark->vms);
    mark->vms = vms;
    mark->count = count;
    mark->heard = host->heard;
    if (started != 0)
        mark->started_ns = started;
    return 0;
}

/* What a host did before it is treated is not counted to the treated. */
static int mark_host(struct host_mark *mark, const struct fleet_view *view,
                     const struct fleet_host *host, bool is_treated)
{
    if (mark->was_treated != is_treated)
        mark->count = 0;
    mark->was_treated = is_treated;
    mark->was_present = mark->was_present || fleet_presence(view, host) == FLEET_PRESENT;
    if (host->status == NULL || host->heard == 0 ||
        (host->heard == mark->heard && mark->count == host->status->n_vms))
        return 0;
    return mark_vms(mark, host);
}

static void move_vm(struct vm_mark *mark, const VmStatus *vm, nsec_t heard)
{
    mark->begin = mark->next;
    mark->next = (struct figure_mark){.time = heard};
    mark_figures(&mark->next, vm);
}

static void move_on(struct marks *marks, const struct fleet_view *view)
{
    marks->moved = view->now;
    for (size_t i = 0; i < marks->count; i++)
        for (size_t j = 0; j < marks->hosts[i].count; j++)
            move_vm(&marks->hosts[i].vms[j], view->hosts[i].status->vms[j], marks->hosts[i].heard);
}

/* Those of before, by the view's order; who is not in it any more is dropped. */
static int sort_hosts(struct marks *marks, const struct fleet_view *view)
{
    struct host_mark *hosts = calloc(view->count + 1, sizeof(*hosts));
    size_t before = 0;

    if (hosts == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < view->count; i++) {
        int order = 1;

        while (before < marks->count &&
               (order = strcmp(marks->hosts[before].id, view->hosts[i].id)) < 0)
            host_mark_finish(&marks->hosts[before++]);
        if (before < marks->count && order == 0)
            hosts[i] = marks->hosts[before++];
        else
            hosts[i].id = strdup(view->hosts[i].id);
    }
    while (before < marks->count)
        host_mark_finish(&marks->hosts[before++]);
    free(marks->hosts);
    marks->hosts = hosts;
    marks->count = view->count;
    for (size_t i = 0; i < view->count; i++)
        if (hosts[i].id == NULL)
            return -ENOMEM;
    return 0;
}

static bool is_sorted(const struct marks *marks, const struct fleet_view *view)
{
    if (marks->hosts == NULL || marks->count != view->count)
        return false;
    for (size_t i = 0; i < view->count; i++)
        if (strcmp(marks->hosts[i].id, view->hosts[i].id) != 0)
            return false;
    return true;
}

int marks_follow(struct marks *marks, const struct fleet_view *view, const bool is_treated[])
{
    int r = is_sorted(marks, view) ? 0 : sort_hosts(marks, view);

    if (marks->begin == 0)
        marks->begin = marks->moved = view->now;
    for (size_t i = 0; r == 0 && i < view->count; i++)
        r = mark_host(&marks->hosts[i], view, &view->hosts[i], is_treated[i]);
    if (r < 0)
        marks_finish(marks);
    else if (view->now - marks->moved >= MARKS_STEP)
        move_on(marks, view);
    return r;
}
