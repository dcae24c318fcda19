/* Sums over hosts. */
#include "controller/fleet/engine/tally.h"

#include <assert.h>
#include <string.h>

#include "common/base/util.h"

/* No guest does more in a window; sums of a million VMs stay in their range. */
#define INCREASE_MAX (UINT64_C(1) << 43)

/* ---- one VM ---- */

/* A VM, with its host and where it stood. */
struct seen_vm {
    const struct fleet_host *host;
    const VmStatus *vm;
    const struct vm_mark *mark;
};

static struct tally_worst worst_of(const struct seen_vm *seen, uint64_t value)
{
    return (struct tally_worst){.host = seen->host->id, .vm = seen->vm->name, .value = value};
}

static void note_worst(struct tally_worst *worst, const struct seen_vm *seen, uint64_t value)
{
    if (worst->host == NULL || value > worst->value)
        *worst = worst_of(seen, value);
}

static void add_pressure(struct tally *tally, const struct seen_vm *seen)
{
    uint64_t permyriad = seen->mark->pressure;

    if (!seen->mark->has_pressure)
        return;
    tally->pressures++;
    tally->pressure[permyriad]++;
    note_worst(&tally->pressed_vm, seen, permyriad);
}

/* A counter that fell without another boot is a wrong one: it has nothing to say. */
static void add_counter(struct tally *tally, const struct seen_vm *seen, unsigned kind,
                        uint64_t value)
{
    struct tally_counter *counter = &tally->counters[kind];
    nsec_t length = seen->host->heard - seen->mark->begin.time;

    if ((seen->mark->begin.known & 1U << kind) == 0 || value < seen->mark->begin.values[kind])
        return;
    value = min_of(value - seen->mark->begin.values[kind], INCREASE_MAX);
    counter->vms++;
    counter->seconds += length / NSEC_PER_SEC;
    counter->sum += value;
    note_worst(&counter->worst, seen, value);
}

static void add_vm(struct tally *tally, const struct seen_vm *seen)
{
    for (size_t i = 0; i < seen->vm->n_figures; i++) {
        unsigned kind = (unsigned)seen->vm->figures[i]->kind;
        uint64_t value = seen->vm->figures[i]->value;

        if (kind == FIGURE(WAITED_NS))
            add_pressure(tally, seen);
        else if (kind < FIGURE_COUNT && kind != FIGURE(STALLED_NS))
            add_counter(tally, seen, kind, value);
    }
    if (!seen->mark->had_agent)
        return;
    tally->agents++;
    if (seen->vm->has_agent)
        return;
    tally->agents_lost++;
    tally->agentless_vm = worst_of(seen, 1);
}

/* ---- one host ---- */

static void add_host(struct tally *tally, const struct fleet_view *view,
                     const struct fleet_host *host)
{
    struct tally_worst worst = {.host = host->id, .value = 1};

    tally->hosts++;
    if (fleet_presence(view, host) == FLEET_LOST) {
        tally->lost++;
        tally->lost_host = worst;
    } else if (host->status->problem[0] != '\0' || host->status->n_degraded > 0) {
        tally->degraded++;
        worst.reason =
            host->status->problem[0] != '\0' ? host->status->problem : host->status->degraded[0];
        tally->degraded_host = worst;
    }
}

void tally_add(struct tally *tally, const struct marks *marks, const struct fleet_view *view,
               size_t index)
{
    const struct host_mark *mark = &marks->hosts[index];
    const struct fleet_host *host = &view->hosts[index];

    assert(index < marks->count && strcmp(mark->id, host->id) == 0);
    if (!mark->was_present || host->status == NULL)
        return;
    add_host(tally, view, host);
    assert(mark->count == host->status->n_vms);
    for (size_t i = 0; i < mark->count; i++)
        add_vm(tally, &(struct seen_vm){host, host->status->vms[i], &mark->vms[i]});
}

void tally_add_refusal(struct tally *tally, const struct fleet_host *host, const char *reason)
{
    tally->refused++;
    tally->refusing_host = (struct tally_worst){.host = host->id, .value = 1, .reason = reason};
}

/* ---- sums ---- */

bool tally_rate(const struct tally *tally, unsigned kind, uint64_t *ret_rate)
{
    const struct tally_counter *counter = &tally->counters[kind];

    if (counter->seconds == 0)
        return false;
    *ret_rate = counter->sum > UINT64_MAX / 1000 ? counter->sum / counter->seconds * 1000
                                                 : counter->sum * 1000 / counter->seconds;
    return true;
}

bool tally_pressure(const struct tally *tally, uint64_t *ret_permyriad)
{
    uint64_t below = 0, wanted = tally->pressures - tally->pressures / 20;

    if (tally->pressures == 0)
        return false;
    for (uint64_t i = 0; i < TALLY_PRESSURES; i++) {
        below += tally->pressure[i];
        if (below >= wanted) {
            *ret_permyriad = i;
            return true;
        }
    }
    assert(false && "every VM is in some bucket");
    return false;
}
