/* When what is done to which balloon. */
#include "controller/leases/keeper.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/number.h"
#include "common/base/util.h"
#include "controller/leases/alarm.h"
#include "controller/leases/arrivals.h"
#include "controller/leases/balloon-pulse.h"
#include "controller/leases/conduct.h"
#include "controller/leases/pulses.h"
#include "controller/leases/waiting.h"
#include "controller/vms/hypervisor.h"

#define RAISES_PER_TICK 4

/* ---- timer ---- */

static bool needs_raise(const struct vm_leases *leases)
{
    assert(leases->vm->leases == leases && leases->vm->leased);
    return !leases->balloon->telling && balloon_wanted(leases->balloon) > leases->balloon->target;
}

static int by_need(const void *a, const void *b)
{
    uint64_t x = (*(struct vm_leases *const *)a)->vm->measured.guest.available;
    uint64_t y = (*(struct vm_leases *const *)b)->vm->measured.guest.available;

    return x < y ? -1 : x > y;
}

/* Marks the most pressed of the VMs that wait for their memory. */
static void choose_raises(struct lease_keeper *keeper)
{
    struct vm_leases *waiting[256] = {NULL};
    size_t count = 0;

    list_for_each (link, &keeper->balloons) {
        struct vm_leases *leases = list_entry(link, struct vm_leases, link);

        leases_set_may_raise(leases, false);
        if (needs_raise(leases) && count < ARRAY_SIZE(waiting))
            waiting[count++] = leases;
    }
    qsort(waiting, count, sizeof(waiting[0]), by_need);
    for (size_t i = 0; i < count && i < RAISES_PER_TICK; i++)
        leases_set_may_raise(waiting[i], true);
}

static void on_timer(uv_timer_t *timer)
{
    struct lease_keeper *keeper = timer->data;

    lease_waiting_tick(keeper, time_boottime());
    choose_raises(keeper);
    list_for_each_safe (link, following, &keeper->balloons) {
        const struct vm_leases *leases = list_entry(link, struct vm_leases, link);
        struct vm *vm = leases->vm;
        struct balloon_input input = conduct_look(vm);

        vm_read_balloon(vm);
        input.hold_raise = needs_raise(leases) && !leases->may_raise;
        conduct_run(keeper, vm, &input);
        conduct_read_guest(keeper, vm, &input);
    }
    if (list_is_empty(&keeper->balloons) && !lease_waiting_is_busy(keeper))
        uv_timer_stop(timer);
}

/* ---- events ---- */

/* The hypervisor's end took the balloon along. A guest that stood still may have been saved: where
 * it goes on, its balloon comes along, and its leases wait for that. */
static void end_all(struct lease_keeper *keeper, struct vm *vm)
{
    const struct balloon_control *control = lease_balloon(vm);
    bool may_be_saved = vm->life.state == VM_PAUSED || vm->life.state == VM_MIGRATING;

    assert(control != NULL && !vm->hypervisor.ready);
    for (uint32_t i = 0; i < control->lease_count; i++)
        if (may_be_saved)
            lease_waiting_add(keeper, &control->leases[i].lease);
        else
            conduct_forget(keeper, vm, &control->leases[i].lease);
    leases_drop(vm);
    assert(!vm->leased);
}

/* The VM is not supervised any more; its leases wait for it to come back, or to expire. */
static void set_aside(struct lease_keeper *keeper, struct vm *vm)
{
    const struct balloon_control *control = lease_balloon(vm);

    for (uint32_t i = 0; control != NULL && i < control->lease_count; i++)
        lease_waiting_add(keeper, &control->leases[i].lease);
    leases_remove(vm);
}

static void on_hypervisor(struct lease_keeper *keeper, struct vm *vm)
{
    struct balloon_input input;

    /* It ended. A process that only cannot be looked at lives on while its session does. */
    if (!hypervisor_process_is_open(&vm->measured.process) && !vm->hypervisor.ready) {
        if (lease_balloon(vm) != NULL)
            end_all(keeper, vm);
        return;
    }
    lease_waiting_resume(keeper, vm);
    lease_arrivals_look(keeper, vm);
    if (lease_balloon(vm) == NULL)
        return;
    if (conduct_why_inert(vm) != NULL)
        balloon_set_inert(leases_control(vm));
    input = conduct_look(vm);
    conduct_run(keeper, vm, &input);
}

/* A snapshot brings its balloon along: what was taken then and given back since is given back
 * again. With leases, on_event voids them. */
static void on_restored(struct lease_keeper *keeper, struct vm *vm)
{
    uint64_t before = vm->hypervisor.balloon_before_restore;
    uint64_t actual = vm->hypervisor.facts.balloon_actual;

    if (vm->hypervisor.facts.balloon_maximum != 0)
        before = min_of(before, vm->hypervisor.facts.balloon_maximum);
    if (lease_balloon(vm) != NULL || actual == 0 || actual + BALLOON_SLACK >= before ||
        leases_adopt(keeper, vm) < 0)
        return;
    assert(lease_balloon(vm)->baseline == actual && lease_balloon(vm)->lease_count == 0);
    balloon_recover(leases_control(vm), before);
    vm_warn(vm,
            "the snapshot's balloon leaves the guest %s, it had %s before: it gets the rest back",
            BYTES_TEXT(actual), BYTES_TEXT(before));
}

static void on_event(const struct vm_event *event, void *userdata)
{
    struct lease_keeper *keeper = userdata;
    struct vm *vm = event->vm;
    struct balloon_input input;

    alarm_take(event);
    if (event->kind == VM_EVENT_HYPERVISOR) {
        on_hypervisor(keeper, vm);
        return;
    }
    if (event->kind == VM_EVENT_REMOVED) {
        set_aside(keeper, vm);
        return;
    }
    if (event->kind == VM_EVENT_RESTORED)
        on_restored(keeper, vm);
    if (event->kind == VM_EVENT_STATE && vm->life.state == VM_DISCOVERED)
        lease_waiting_note(keeper, vm);
    if (lease_balloon(vm) == NULL)
        return;
    input = conduct_look(vm);
    switch (event->kind) {
    case VM_EVENT_RENAMED:
        balloon_rename(leases_control(vm), vm->name);
        break;
    case VM_EVENT_PRESSURE:
        input.pressure = balloon_is_need(lease_balloon(vm), &input, event->pressure->available,
                                         event->pressure->oom_kill);
        break;
    case VM_EVENT_DISCONNECTED: /* what its balloon's driver says is no word of its agent */
        balloon_end_pulse(leases_control(vm), PULSE_END_UNHEARD, input.now);
        break;
    case VM_EVENT_RESET:
    case VM_EVENT_RESTORED:
    case VM_EVENT_WENT_BACK: /* our own it gets back for less */
        input.voided = true;
        break;
    case VM_EVENT_STATE:
        input.voided = input.voided || vm->life.state == VM_MIGRATING;
        /* A guest that comes back from a pause may have gone back to a snapshot. Its clock is asked
         * for before its balloon is taken for moved by someone else. Its next heartbeat would be
         * too late. */
        if (vm->life.state == VM_MANAGED)
            conduct_start_reading(keeper, vm);
        break;
    case VM_EVENT_SAMPLE:
    case VM_EVENT_BALLOON:
    case VM_EVENT_BALLOON_STEP:
        break;
    default:
        return;
    }
    conduct_run(keeper, vm, &input);
}

static void on_visit(struct vm *vm, nsec_t now, void *userdata)
{
    alarm_visit(vm);
}

/* ---- the whole ---- */

int lease_keeper_init(struct lease_keeper *keeper, struct supervisor *supervisor,
                      const struct lease_journal *journal, struct error *error)
{
    int r;

    *keeper = (struct lease_keeper){
        .supervisor = supervisor,
        .journal = *journal,
        .listener = {.on_event = on_event, .on_visit = on_visit, .userdata = keeper, .acts = true},
        .on_timer = on_timer,
    };
    list_init(&keeper->balloons);
    list_init(&keeper->waiting);
    list_init(&keeper->readings);
    r = uv_timer_init(supervisor->loop, &keeper->timer);
    if (r < 0)
        return error_set(error, r, "cannot make a timer: %s", uv_strerror(r));
    keeper->timer.data = keeper;
    r = pulses_init(keeper);
    if (r < 0)
        return error_set(error, r, "cannot make a timer: %s", uv_strerror(r));
    supervisor_listen(supervisor, &keeper->listener);
    leases_wake(keeper);
    lease_waiting_load(keeper);
    return lease_waiting_problem(keeper) == NULL
               ? 0
               : error_set(error, -EIO, "%s", lease_waiting_problem(keeper));
}

void lease_keeper_stop(struct lease_keeper *keeper)
{
    assert(!leases_are_stopping(keeper));
    conduct_stop(keeper);
    uv_timer_stop(&keeper->timer);
    uv_close((uv_handle_t *)&keeper->timer, NULL);
    pulses_stop(keeper);
}

void lease_keeper_finish(struct lease_keeper *keeper)
{
    assert(leases_are_stopping(keeper) && list_is_empty(&keeper->readings));
    lease_waiting_finish(keeper);
    lease_traces_finish(&keeper->traces);
}

size_t lease_keeper_count(const struct lease_keeper *keeper)
{
    size_t count = lease_waiting_count(keeper);

    list_for_each (link, &keeper->balloons)
        count += list_entry(link, struct vm_leases, link)->balloon->lease_count;
    return count;
}

size_t lease_keeper_due(const struct lease_keeper *keeper, nsec_t now)
{
    return lease_waiting_count_due(keeper, now);
}

const char *lease_keeper_problem(const struct lease_keeper *keeper)
{
    return lease_waiting_problem(keeper);
}
