/* Intervals of balloon statistics. */
#include "controller/vms/intervals.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/util.h"
#include "controller/vms/hypervisor.h"

#define OURS    10 /* seconds */
#define TIMEOUT (3 * NSEC_PER_SEC)

/* ---- notes ---- */

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

/* What an earlier daemon left of this process is ours. */
static void adopt_left(struct vm *vm)
{
    struct intervals *intervals = vm->supervisor->intervals;

    for (size_t i = 0; i < intervals->left_count; i++) {
        const struct interval_note left = intervals->left[i];
        bool is_same = left.pid == vm->measured.process.pid &&
                       left.start_time == vm->measured.process.start_time;

        if (strcmp(left.address, vm->address.text) != 0)
            continue;
        intervals->left[i] = intervals->left[--intervals->left_count];
        vm->interval.owners = left.seconds;
        if (is_same && vm->hypervisor.facts.statistics_interval == OURS)
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
        vm->interval.refused = true;
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

/* The VM may be gone when the store answers. */
struct asker {
    struct supervisor *supervisor;
    char address[HYPERVISOR_ADDRESS_SIZE];
};

static struct vm *find_asker(const struct asker *asker)
{
    list_for_each (link, &asker->supervisor->registry.vms) {
        struct vm *vm = list_entry(link, struct vm, link);

        if (strcmp(vm->address.text, asker->address) == 0)
            return vm;
    }
    return NULL;
}

static void on_noted(int status, void *userdata)
{
    struct asker *asker = userdata;
    struct vm *vm = find_asker(asker);

    free(asker);
    if (vm == NULL || vm->interval.state != INTERVAL_NOTING)
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
    *asker = (struct asker){.supervisor = vm->supervisor};
    memcpy(asker->address, note.address, sizeof(asker->address));
    vm->interval.owners = note.seconds;
    vm->interval.state = INTERVAL_NOTING;
    intervals->journal.put(intervals->journal.userdata, &note, on_noted, asker);
}

/* ---- what happens ---- */

static bool may_take(const struct vm *vm)
{
    const struct driver_facts *facts = &vm->hypervisor.facts;

    return !vm->interval.refused && facts->statistics_interval == 0 &&
           (facts->capabilities & DRIVER_CAN_SET_STATISTICS_INTERVAL) != 0 &&
           hypervisor_process_is_open(&vm->measured.process);
}

void vm_interval_visit(struct vm *vm, bool needed)
{
    if (vm->supervisor->intervals == NULL)
        return;
    if (vm->interval.state == INTERVAL_OWNERS)
        adopt_left(vm);
    if (vm->interval.state == INTERVAL_OWNERS && needed && may_take(vm))
        take(vm);
    else if (vm->interval.state == INTERVAL_OURS && !needed)
        put_back(vm);
}

/* The note stays: nobody will hear whether it was done. */
void vm_interval_end(struct vm *vm)
{
    if (vm->interval.state == INTERVAL_OURS && vm->hypervisor.ready)
        put_back(vm);
}

void vm_interval_on_event(const struct vm_event *event)
{
    struct vm *vm = event->vm;

    if (event->kind != VM_EVENT_HYPERVISOR || vm->supervisor->intervals == NULL)
        return;
    if (!vm->hypervisor.known && vm->interval.state != INTERVAL_OWNERS)
        forget(vm);
    if (!vm->hypervisor.known)
        vm->interval.refused = false;
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
