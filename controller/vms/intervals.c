/* Intervals of balloon statistics. */
#include "controller/vms/intervals.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/util.h"
#include "controller/vms/hypervisor.h"

#define OURS     10 /* seconds */
#define TIMEOUT  (3 * NSEC_PER_SEC)
#define RETRY    (600 * NSEC_PER_SEC) /* of who refused, which may pass */
#define LEFT_MAX 4096

/* ---- notes ---- */

static bool is_at(const struct interval_note *note, const struct vm *vm)
{
    return strcmp(note->address, vm->address.text) == 0;
}

static bool is_of_process(const struct interval_note *note, const struct vm *vm)
{
    return note->pid == vm->measured.process.pid &&
           note->start_time == vm->measured.process.start_time;
}

static struct interval_note note_of(const struct vm *vm, uint32_t seconds)
{
    struct interval_note note = {.seconds = seconds,
                                 .pid = vm->measured.process.pid,
                                 .start_time = vm->measured.process.start_time};

    snprintf(note.address, sizeof(note.address), "%s", vm->address.text);
    return note;
}

static void forget(struct vm *vm)
{
    struct intervals *intervals = vm->supervisor->intervals;
    struct interval_note note = note_of(vm, 0);

    vm->interval.state = INTERVAL_OWNERS;
    intervals->journal.remove(intervals->journal.userdata, &note);
}

/* What an earlier daemon or record left of this process is ours. */
static void adopt_left(struct vm *vm)
{
    struct intervals *intervals = vm->supervisor->intervals;

    for (size_t i = 0; i < intervals->left_count; i++) {
        const struct interval_note left = intervals->left[i];

        if (!is_at(&left, vm))
            continue;
        intervals->left[i] = intervals->left[--intervals->left_count];
        vm->interval.owners = left.seconds;
        if (is_of_process(&left, vm) && vm->hypervisor.facts.statistics_interval == OURS)
            vm->interval.state = INTERVAL_OURS;
        else
            forget(vm);
        return;
    }
}

/* ---- telling the hypervisor ---- */

static int set(struct vm *vm, uint32_t seconds, driver_done done)
{
    return vm->address.driver->set_statistics_interval(vm->hypervisor.session, seconds, TIMEOUT,
                                                       done, vm);
}

static void on_set(const struct driver_result *result, void *userdata)
{
    struct vm *vm = userdata;

    vm_hypervisor_note(vm, result);
    if (vm->interval.state != INTERVAL_SETTING)
        return;
    /* What is not known to be done may be done: it is put back as if it were. */
    vm->interval.state = INTERVAL_OURS;
    if (result->outcome == DRIVER_OUTCOME_NOT_DONE) {
        vm->interval.retry = time_boottime() + RETRY;
        forget(vm);
    }
}

static void on_put_back(const struct driver_result *result, void *userdata)
{
    struct vm *vm = userdata;

    vm_hypervisor_note(vm, result);
    if (vm->interval.state != INTERVAL_RETURNING)
        return;
    if (result->status == 0)
        forget(vm);
    else
        vm->interval.state = INTERVAL_OURS; /* the next visit tries again */
}

static void put_back(struct vm *vm)
{
    vm->interval.state = INTERVAL_RETURNING;
    if (set(vm, vm->interval.owners, on_put_back) < 0)
        vm->interval.state = INTERVAL_OURS;
}

/* ---- writing it down first ---- */

/* The VM may be gone when the store answers, or be at another address. */
struct asker {
    struct supervisor *supervisor;
    uint64_t vm; /* serial */
    struct interval_note note;
};

static void on_noted(int status, void *userdata)
{
    struct asker *asker = userdata;
    struct vm *vm = registry_find_serial(&asker->supervisor->registry, asker->vm);
    bool is_asked = vm != NULL && vm->interval.state == INTERVAL_NOTING &&
                    is_at(&asker->note, vm) && is_of_process(&asker->note, vm);

    free(asker);
    if (!is_asked)
        return;
    vm->interval.state = INTERVAL_OWNERS;
    if (status < 0 || !vm->hypervisor.ready)
        return;
    vm->interval.state = INTERVAL_SETTING;
    if (set(vm, OURS, on_set) < 0)
        forget(vm);
}

static void take(struct vm *vm)
{
    struct intervals *intervals = vm->supervisor->intervals;
    const struct interval_note note = note_of(vm, vm->hypervisor.facts.statistics_interval);
    struct asker *asker = malloc(sizeof(*asker));

    if (asker == NULL)
        return;
    *asker = (struct asker){vm->supervisor, vm->serial, note};
    vm->interval.owners = note.seconds;
    vm->interval.state = INTERVAL_NOTING;
    intervals->journal.put(intervals->journal.userdata, &note, on_noted, asker);
}

/* ---- what happens ---- */

static bool may_take(const struct vm *vm, nsec_t now)
{
    const struct driver_facts *facts = &vm->hypervisor.facts;

    return now >= vm->interval.retry && facts->statistics_interval == 0 &&
           (facts->capabilities & DRIVER_CAN_SET_STATISTICS_INTERVAL) != 0 &&
           hypervisor_process_is_open(&vm->measured.process);
}

void vm_interval_visit(struct vm *vm, bool needed, nsec_t now)
{
    if (vm->supervisor->intervals == NULL)
        return;
    if (vm->interval.state == INTERVAL_OWNERS)
        adopt_left(vm);
    if (vm->interval.state == INTERVAL_OWNERS && needed && may_take(vm, now))
        take(vm);
    else if (vm->interval.state == INTERVAL_OURS && !needed)
        put_back(vm);
}

/* The note stays: nobody will hear whether it was done. Who is at that address next sees it. */
static void end(struct vm *vm)
{
    struct intervals *intervals = vm->supervisor->intervals;
    enum interval_state state = vm->interval.state;
    struct interval_note note = note_of(vm, vm->interval.owners);

    vm->interval.state = INTERVAL_OWNERS;
    vm->interval.retry = 0;
    if (state == INTERVAL_OWNERS)
        return;
    if ((state == INTERVAL_SETTING || state == INTERVAL_OURS) && vm->hypervisor.ready)
        (void)set(vm, note.seconds, on_put_back);
    if (intervals->left_count < LEFT_MAX)
        (void)intervals_add_left(intervals, &note);
}

void vm_leave_hypervisor(struct vm *vm)
{
    end(vm);
    vm_hypervisor_drop(vm);
}

void vm_interval_on_event(const struct vm_event *event)
{
    struct vm *vm = event->vm;

    if (event->kind != VM_EVENT_HYPERVISOR || vm->supervisor->intervals == NULL)
        return;
    if (!vm->hypervisor.known && vm->interval.state != INTERVAL_OWNERS)
        forget(vm);
    if (!vm->hypervisor.known)
        vm->interval.retry = 0;
}

/* ---- the whole ---- */

void intervals_init(struct intervals *intervals, struct supervisor *supervisor,
                    const struct interval_journal *journal)
{
    *intervals = (struct intervals){.journal = *journal};
    supervisor->intervals = intervals;
}

void intervals_finish(struct intervals *intervals)
{
    free(intervals->left);
    *intervals = (struct intervals){0};
}

int intervals_add_left(struct intervals *intervals, const struct interval_note *note)
{
    struct interval_note *more =
        realloc(intervals->left, (intervals->left_count + 1) * sizeof(*more));

    if (more == NULL)
        return -ENOMEM;
    intervals->left = more;
    more[intervals->left_count++] = *note;
    return 0;
}
