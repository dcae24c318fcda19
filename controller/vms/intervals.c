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

#define READINGS_OF_BEFORE 2 /* of the facts: one may have been under way */

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

/* Ours where the owner had none; else it was killed while it was 0 for a moment. */
static bool is_ours(const struct interval_note *left, uint32_t seconds)
{
    return left->seconds == 0 ? seconds == OURS : seconds == 0;
}

/* What an earlier daemon or record left of this process is ours. */
static void adopt_left(struct vm *vm)
{
    struct intervals *intervals = vm->supervisor->intervals;

    if (vm->interval.left_seen == intervals->left_added)
        return;
    for (size_t i = 0; i < intervals->left_count; i++) {
        const struct interval_note left = intervals->left[i];

        if (!is_at(&left, vm))
            continue;
        intervals->left[i] = intervals->left[--intervals->left_count];
        vm->interval.owners = left.seconds;
        vm->interval.ours = left.seconds == 0 ? OURS : left.seconds;
        if (is_of_process(&left, vm) && is_ours(&left, vm->hypervisor.facts.statistics_interval))
            vm->interval.state = INTERVAL_OURS;
        else
            forget(vm);
        return;
    }
    vm->interval.left_seen = intervals->left_added;
}

/* ---- telling the hypervisor ---- */

static int set(struct vm *vm, uint32_t seconds, driver_done done)
{
    return vm->address.driver->start(vm->hypervisor.session, DRIVER_SET_STATISTICS_INTERVAL,
                                     seconds, TIMEOUT, done, vm);
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
    if (result->status == 0) {
        forget(vm);
        vm->interval.returned = READINGS_OF_BEFORE;
        vm_hypervisor_ask_again(vm);
    } else
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
    vm->interval.state =
        vm->interval.ours == vm->interval.owners ? INTERVAL_OURS : INTERVAL_SETTING;
    if (vm->interval.state == INTERVAL_SETTING && set(vm, vm->interval.ours, on_set) < 0)
        forget(vm);
}

/* The facts are up to a minute old. */
static uint32_t owners(const struct vm *vm)
{
    return vm->interval.returned > 0 ? vm->interval.owners
                                     : vm->hypervisor.facts.statistics_interval;
}

static void take(struct vm *vm)
{
    struct intervals *intervals = vm->supervisor->intervals;
    const struct interval_note note = note_of(vm, owners(vm));
    struct asker *asker = malloc(sizeof(*asker));

    if (asker == NULL)
        return;
    *asker = (struct asker){vm->supervisor, vm->serial, note};
    vm->interval.owners = note.seconds;
    vm->interval.ours = note.seconds == 0 ? OURS : note.seconds;
    vm->interval.state = INTERVAL_NOTING;
    intervals->journal.put(intervals->journal.userdata, &note, on_noted, asker);
}

/* ---- what happens ---- */

static bool is_wanted(const struct vm *vm, nsec_t now)
{
    return now < vm->interval.held && vm_may_be_changed(vm);
}

static bool may_take(const struct vm *vm, nsec_t now)
{
    return now >= vm->interval.retry && owners(vm) != DRIVER_INTERVAL_UNKNOWN &&
           (owners(vm) == 0 || is_wanted(vm, now)) &&
           (vm->hypervisor.facts.capabilities & DRIVER_CAN_SET_STATISTICS_INTERVAL) != 0 &&
           hypervisor_process_is_open(&vm->measured.process);
}

void vm_interval_visit(struct vm *vm, bool needed, nsec_t now)
{
    bool is_needed = needed || is_wanted(vm, now);

    if (vm->supervisor->intervals == NULL)
        return;
    if (vm->interval.state == INTERVAL_OWNERS)
        adopt_left(vm);
    if (vm->interval.state == INTERVAL_OWNERS && is_needed && may_take(vm, now))
        take(vm);
    else if (vm->interval.state == INTERVAL_OURS && !is_needed && vm->interval.poked == NULL)
        put_back(vm);
}

uint32_t vm_interval_seconds(const struct vm *vm)
{
    return vm->interval.state == INTERVAL_OURS ? vm->interval.ours : owners(vm);
}

/* ---- readings of now ---- */

void vm_interval_hold(struct vm *vm, nsec_t until)
{
    vm->interval.held = max_of(vm->interval.held, until);
    if (vm->hypervisor.ready)
        vm_interval_visit(vm, false, time_boottime());
}

bool vm_interval_is_held(const struct vm *vm)
{
    return vm->interval.state == INTERVAL_OURS;
}

/* A poke that failed may have left it 0: the owner's is put back, and ours may come again. */
static void end_poke(struct vm *vm, int status)
{
    interval_poked done = vm->interval.poked;

    vm->interval.poked = NULL;
    if (status < 0 && vm->interval.state == INTERVAL_OURS && vm->hypervisor.ready)
        put_back(vm);
    done(vm, status);
}

static void on_poked(const struct driver_result *result, void *userdata)
{
    struct vm *vm = userdata;

    vm_hypervisor_note(vm, result);
    end_poke(vm, result->status);
}

/* Whether it was done or not: it must not stay 0. What put the owner's back comes after this. */
static void on_stopped(const struct driver_result *result, void *userdata)
{
    struct vm *vm = userdata;
    int r;

    vm_hypervisor_note(vm, result);
    r = vm->interval.state != INTERVAL_OURS || !vm->hypervisor.ready
            ? -ECANCELED
            : set(vm, vm->interval.ours, on_poked);
    if (r < 0)
        end_poke(vm, r);
}

int vm_interval_poke(struct vm *vm, interval_poked done)
{
    int r;

    if (!vm_interval_is_held(vm) || vm->interval.poked != NULL)
        return -EBUSY;
    vm->interval.poked = done;
    r = set(vm, 0, on_stopped);
    if (r < 0)
        vm->interval.poked = NULL;
    return r;
}

/* ---- ends ---- */

/* The note stays: nobody will hear whether it was done. Who is at that address next sees it. */
static void end(struct vm *vm)
{
    struct intervals *intervals = vm->supervisor->intervals;
    enum interval_state state = vm->interval.state;
    struct interval_note note = note_of(vm, vm->interval.owners);

    vm->interval.state = INTERVAL_OWNERS;
    vm->interval.retry = 0;
    vm->interval.left_seen = 0; /* of this address */
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
    if (vm->interval.returned > 0)
        vm->interval.returned--;
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
    size_t count = intervals->left_count;
    struct interval_note *more = intervals->left;

    if ((count & (count - 1)) == 0)
        more = realloc(more, max_of(2 * count, (size_t)1) * sizeof(*more));
    if (more == NULL)
        return -ENOMEM;
    intervals->left = more;
    more[intervals->left_count++] = *note;
    intervals->left_added++;
    return 0;
}
