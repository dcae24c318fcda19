/* Carries out decisions about balloons. */
#include "controller/leases/conduct.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/log.h"
#include "common/base/number.h"
#include "controller/crash/crash.h"
#include "controller/leases/marks.h"
#include "controller/vms/fresh-sample.h"
#include "controller/vms/hypervisor.h"
#include "controller/vms/reading.h"

#define TELL_TIMEOUT     (5 * NSEC_PER_SEC)
#define FRESH_AGE        (5 * NSEC_PER_SEC)
#define ACTIONS_PER_STEP 32 /* a decision never needs more before it waits for something */

/* A command under way. The session's end ends it, and the VM outlives its session. */
struct telling {
    struct lease_keeper *keeper;
    struct vm *vm;
    struct balloon_action action;
};

/* ---- input ---- */

const char *conduct_why_inert(const struct vm *vm)
{
    const struct driver_facts *facts = &vm->hypervisor.facts;

    if (facts->vfio_devices > 0)
        return "an assigned device pins all memory";
    if (facts->encrypted)
        return "its memory is encrypted";
    return facts->locked ? "its memory is locked on the host" : NULL;
}

/* Another boot than a lease was made for. */
static bool is_other_boot(const struct vm *vm)
{
    const struct balloon_control *control = lease_balloon(vm);

    for (uint32_t i = 0; control != NULL && i < control->lease_count; i++) {
        const char *boot_id = control->leases[i].lease.boot_id;

        if (boot_id[0] != '\0' && vm->agent.boot_id[0] != '\0' &&
            strcmp(boot_id, vm->agent.boot_id) != 0)
            return true;
    }
    return false;
}

/* A sample of its agent, that no statistics have made old. */
static bool is_fresh(const struct vm *vm, const struct guest_reading *reading, nsec_t now)
{
    return reading->source == READING_AGENT && now - vm->measured.guest.received <= FRESH_AGE;
}

struct balloon_input conduct_look(const struct vm *vm)
{
    nsec_t now = time_boottime();
    struct guest_reading reading;

    vm_read_guest(vm, now, &reading);
    return (struct balloon_input){
        .now = now,
        .ready = vm->hypervisor.ready,
        .running = vm->hypervisor.facts.run_state == RUN_STATE_RUNNING,
        .ram = vm->hypervisor.facts.ram,
        .actual = vm->hypervisor.facts.balloon_actual,
        .maximum = vm->hypervisor.facts.balloon_maximum,
        .deflate_on_oom = vm->hypervisor.facts.deflate_on_oom == ANSWER_YES,
        .guest_is_fresh = is_fresh(vm, &reading, now),
        .guest_read = reading.read,
        .guest_total = reading.total,
        .guest_free = reading.free,
        .available = reading.available,
        .footprint = vm->measured.host.footprint,
        .voided = is_other_boot(vm),
    };
}

/* ---- actions ---- */

static void tell_news(struct vm *vm, enum balloon_news news)
{
    enum vm_event_kind kind =
        news == BALLOON_NEWS_HELD || news == BALLOON_NEWS_REACHED || news == BALLOON_NEWS_RELEASED
            ? VM_EVENT_LEASE
            : VM_EVENT_WARNING;

    leases_note_news(vm, news);
    vm_emit(vm, kind, balloon_news_text(news));
}

static void on_told(const struct driver_result *result, void *userdata)
{
    struct telling *telling = userdata;
    struct lease_keeper *keeper = telling->keeper;
    struct vm *vm = telling->vm;
    struct balloon_control *control = leases_control(vm);
    struct balloon_input input;

    assert(telling->action.kind == BALLOON_TELL && vm->leased == (control != NULL));
    crash_point("the hypervisor has answered");
    if (result->status == -ETIMEDOUT)
        (void)vm_hypervisor_refresh(vm); /* whether it answers anything */
    if (control != NULL) {
        balloon_done(control, &telling->action, result->status, time_boottime());
        input = conduct_look(vm);
        /* A failure is tried again by the timer, not at once. */
        if (result->status == 0)
            conduct_run(keeper, vm, &input);
    }
    free(telling);
}

/* 0: the answer comes later. */
static int tell(struct lease_keeper *keeper, struct vm *vm, const struct balloon_action *action)
{
    struct telling *telling = calloc(1, sizeof(*telling));
    int r;

    assert(action->kind == BALLOON_TELL && leases_control(vm)->telling_target == action->target);
    if (telling == NULL)
        return -ENOMEM;
    telling->keeper = keeper;
    telling->vm = vm;
    telling->action = *action;
    if (action->target < leases_control(vm)->baseline)
        lease_mark_note(vm, leases_control(vm)->baseline);
    crash_point("before the hypervisor is commanded");
    r = vm_set_balloon(vm, action->target, TELL_TIMEOUT, on_told, telling);
    crash_point("the hypervisor was commanded");
    if (r < 0)
        free(telling);
    return r;
}

/* A change of the journal under way. */
struct writing {
    struct lease_keeper *keeper;
    struct balloon_action action;
    conduct_written done;
    void *userdata;
};

static void on_written(int status, const struct error *error, void *userdata)
{
    struct writing *writing = userdata;
    struct lease_keeper *keeper = writing->keeper;
    const struct lease *lease = &writing->action.lease;
    struct vm *vm = registry_find_name(&keeper->supervisor->registry, lease->vm);

    crash_point(writing->action.kind == BALLOON_PUT ? "a lease was written"
                                                    : "a lease was removed");
    if (status < 0 && vm != NULL)
        vm_warn(vm, "lease journal: %s", error->text);
    else if (status < 0)
        log_warning("a lease of %s: lease journal: %s", lease->vm, error->text);
    if (writing->done != NULL)
        writing->done(status, error, writing->userdata);
    free(writing);
}

void conduct_write(struct lease_keeper *keeper, const struct balloon_action *action,
                   conduct_written done, void *userdata)
{
    static const struct error no_memory = {"out of memory"};
    const struct lease_journal *journal = &keeper->journal;
    struct writing *writing = malloc(sizeof(*writing));

    assert(action->kind == BALLOON_PUT || action->kind == BALLOON_FORGET);
    if (writing == NULL) {
        if (done != NULL)
            done(-ENOMEM, &no_memory, userdata);
        return;
    }
    *writing = (struct writing){keeper, *action, done, userdata};
    crash_point(action->kind == BALLOON_PUT ? "before a lease is written"
                                            : "before a lease is removed");
    if (action->kind == BALLOON_PUT) {
        lease_traces_note(&keeper->traces, &action->lease);
        journal->put(journal->userdata, &action->lease, on_written, writing);
    } else
        journal->remove(journal->userdata, action->lease.id, on_written, writing);
}

/* What the decisions wait for. */
struct step {
    struct lease_keeper *keeper;
    struct balloon_action action;
    bool is_asking; /* it may be answered at once */
    bool is_done;
    int status;
};

static void on_step_written(int status, const struct error *error, void *userdata)
{
    struct step *step = userdata;
    struct lease_keeper *keeper = step->keeper;
    struct balloon_input input;
    struct vm *vm;

    assert(!step->is_done); /* the journal answers once */
    step->is_done = true;
    step->status = status;
    if (step->is_asking)
        return;
    vm = leases_find_writing(keeper, step);
    if (vm != NULL) {
        leases_set_writing(vm, NULL);
        balloon_done(leases_control(vm), &step->action, status, time_boottime());
        input = conduct_look(vm);
        conduct_run(keeper, vm, &input);
    }
    free(step);
}

/* True: it is done already. */
static bool write_step(struct lease_keeper *keeper, struct vm *vm,
                       const struct balloon_action *action)
{
    struct step *step = calloc(1, sizeof(*step));

    if (step == NULL) {
        balloon_done(leases_control(vm), action, -ENOMEM, time_boottime());
        return true;
    }
    *step = (struct step){.keeper = keeper, .action = *action, .is_asking = true};
    conduct_write(keeper, action, on_step_written, step);
    step->is_asking = false;
    if (!step->is_done) {
        leases_set_writing(vm, step);
        return false;
    }
    balloon_done(leases_control(vm), action, step->status, time_boottime());
    free(step);
    return true;
}

/* False: nothing more can be done now. */
static bool perform(struct lease_keeper *keeper, struct vm *vm, const struct balloon_action *action)
{
    int r;

    assert(vm->leased && leases_control(vm)->writing ==
                             (vm->leases->writing != NULL || action->kind == BALLOON_PUT ||
                              action->kind == BALLOON_FORGET));
    if (action->kind == BALLOON_NOTHING)
        return false;
    if (action->kind != BALLOON_TELL)
        return write_step(keeper, vm, action);
    r = tell(keeper, vm, action);
    if (r < 0)
        balloon_done(leases_control(vm), action, r, time_boottime());
    return false;
}

void conduct_run(struct lease_keeper *keeper, struct vm *vm, struct balloon_input *input)
{
    struct balloon_control *control = leases_control(vm);
    enum balloon_news news;

    assert(control != NULL && vm->leased);
    for (int i = 0; i < ACTIONS_PER_STEP; i++) {
        struct balloon_action action = balloon_step(control, input);

        input->pressure = false;
        input->voided = false;
        if (!perform(keeper, vm, &action))
            break;
    }
    while ((news = balloon_take_news(control)) != BALLOON_NO_NEWS)
        tell_news(vm, news);
    if (balloon_is_over(control) && list_is_empty(&vm->leases->asked))
        leases_drop(vm);
}

/* ---- readings ---- */

/* A sample on its way. */
struct reading {
    struct list link;
    struct lease_keeper *keeper;
    struct fresh_sample sample;
};

static void end_reading(struct reading *reading)
{
    fresh_sample_cancel(&reading->sample);
    list_remove(&reading->link);
    free(reading);
}

static void on_reading(struct vm *vm, void *userdata)
{
    struct reading *reading = userdata;
    struct lease_keeper *keeper = reading->keeper;
    struct balloon_input input;

    end_reading(reading);
    if (vm == NULL || lease_balloon(vm) == NULL)
        return;
    input = conduct_look(vm);
    conduct_run(keeper, vm, &input);
}

static bool is_being_read(const struct lease_keeper *keeper, const struct vm *vm)
{
    list_for_each (link, &keeper->readings)
        if (list_entry(link, struct reading, link)->sample.vm == vm->serial)
            return true;
    return false;
}

void conduct_start_reading(struct lease_keeper *keeper, struct vm *vm)
{
    struct reading *reading;

    if (is_being_read(keeper, vm))
        return;
    reading = calloc(1, sizeof(*reading));
    if (reading == NULL)
        return;
    reading->keeper = keeper;
    list_append(&keeper->readings, &reading->link);
    if (fresh_reading_start(&reading->sample, vm, on_reading, reading) < 0)
        end_reading(reading);
}

void conduct_read_guest(struct lease_keeper *keeper, struct vm *vm,
                        const struct balloon_input *input)
{
    const struct balloon_control *control = lease_balloon(vm);

    if (control != NULL && balloon_waits_for_reading(control, input))
        conduct_start_reading(keeper, vm);
}

void conduct_stop(struct lease_keeper *keeper)
{
    list_for_each_safe (link, following, &keeper->readings)
        end_reading(list_entry(link, struct reading, link));
    assert(list_is_empty(&keeper->readings));
}

/* ---- ends and addresses ---- */

void conduct_set_address(struct lease *lease, const struct vm *vm)
{
    snprintf(lease->driver, sizeof(lease->driver), "%s", vm->address.driver->name);
    snprintf(lease->address, sizeof(lease->address), "%s", hypervisor_address_where(&vm->address));
}

void conduct_forget(struct lease_keeper *keeper, struct vm *vm, const struct lease *lease)
{
    const struct balloon_action action = {.kind = BALLOON_FORGET, .lease = *lease};

    conduct_write(keeper, &action, NULL, NULL);
    vm_warn(vm, "a lease of %s ends: its hypervisor, process %d, is gone", BYTES_TEXT(lease->bytes),
            (int)lease->pid);
}
