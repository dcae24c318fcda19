/* Carries out decisions about balloons. */
#include "controller/vms/lease_keeper.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/number.h"
#include "common/base/util.h"
#include "controller/leases/crash.h"
#include "controller/vms/fresh_sample.h"
#include "controller/vms/lease_waiting.h"

#define TICK             (1 * NSEC_PER_SEC)
#define TELL_TIMEOUT     (5 * NSEC_PER_SEC)
#define FRESH_AGE        (5 * NSEC_PER_SEC)
#define RAISES_PER_TICK  4
#define ACTIONS_PER_STEP 32 /* a decision never needs more before it waits for something */

/* A command under way. The session's end ends it, and the VM outlives its session. */
struct telling {
    struct lease_keeper *keeper;
    struct vm *vm;
    struct balloon_action action;
};

/* ---- input ---- */

bool lease_keeper_is_inert(const struct vm *vm)
{
    return vm->hypervisor.facts.vfio_devices > 0 || vm->hypervisor.facts.encrypted ||
           vm->hypervisor.facts.locked;
}

/* Another boot than a lease was made for. */
static bool is_other_boot(const struct vm *vm)
{
    const struct balloon_control *control = vm->leases.balloon;

    for (uint32_t i = 0; i < control->lease_count; i++) {
        const char *boot_id = control->leases[i].lease.boot_id;

        if (boot_id[0] != '\0' && vm->agent.boot_id[0] != '\0' &&
            strcmp(boot_id, vm->agent.boot_id) != 0)
            return true;
    }
    return false;
}

struct balloon_input lease_keeper_look(const struct vm *vm)
{
    nsec_t now = time_boottime();

    return (struct balloon_input){
        .now = now,
        .time = time_realtime(),
        .ready = vm->hypervisor.ready,
        .running = vm->hypervisor.facts.run_state == RUN_STATE_RUNNING,
        .ram = vm->hypervisor.facts.ram,
        .actual = vm->hypervisor.facts.balloon_actual,
        .deflate_on_oom = vm->hypervisor.facts.deflate_on_oom == ANSWER_YES,
        .guest_is_fresh = vm->links.agent != NULL && vm->measured.guest.received != 0 &&
                          now - vm->measured.guest.received <= FRESH_AGE,
        .guest_read = vm->measured.guest.received,
        .available = vm->measured.guest.available,
        .footprint = vm->measured.host.footprint,
        .voided = vm->leases.balloon != NULL && is_other_boot(vm),
    };
}

/* ---- actions ---- */

static bool is_cause(enum balloon_news news)
{
    return news == BALLOON_NEWS_EXPIRED || news == BALLOON_NEWS_PRESSURE ||
           news == BALLOON_NEWS_VOID || news == BALLOON_NEWS_FOREIGN || news == BALLOON_NEWS_INERT;
}

/* Why the leases ended says more than that the guest has its memory back. */
static bool is_told_by_cause(enum balloon_news kept, enum balloon_news news)
{
    return is_cause(kept) && (is_cause(news) || news == BALLOON_NEWS_RELEASED);
}

static void tell_news(struct lease_keeper *keeper, struct vm *vm, enum balloon_news news)
{
    enum vm_event_kind kind =
        news == BALLOON_NEWS_HELD || news == BALLOON_NEWS_REACHED || news == BALLOON_NEWS_RELEASED
            ? VM_EVENT_BALLOON
            : VM_EVENT_WARNING;

    if (!is_told_by_cause((enum balloon_news)vm->leases.news, news))
        vm->leases.news = (int)news;
    if (news == BALLOON_NEWS_FOREIGN)
        (void)snprintf(vm->leases.foreign_owner, sizeof(vm->leases.foreign_owner),
                       "another client of the hypervisor");
    else if (news == BALLOON_NEWS_HELD)
        vm->leases.foreign_owner[0] = '\0';
    supervisor_emit(keeper->supervisor,
                    &(struct vm_event){.vm = vm, .kind = kind, .text = balloon_news_text(news)});
}

static void on_told(const struct driver_result *result, void *userdata)
{
    struct telling *telling = userdata;
    struct lease_keeper *keeper = telling->keeper;
    struct vm *vm = telling->vm;
    struct balloon_input input;

    crash_point("the hypervisor has answered");
    if (vm->leases.balloon != NULL) {
        balloon_done(vm->leases.balloon, &telling->action, result->status, time_boottime());
        input = lease_keeper_look(vm);
        /* A failure is tried again by the timer, not at once. */
        if (result->status == 0)
            lease_keeper_run(keeper, vm, &input);
    }
    free(telling);
}

/* 0: the answer comes later. */
static int tell(struct lease_keeper *keeper, struct vm *vm, const struct balloon_action *action)
{
    const struct driver *driver = vm->address.driver;
    struct telling *telling = calloc(1, sizeof(*telling));
    int r;

    if (telling == NULL)
        return -ENOMEM;
    telling->keeper = keeper;
    telling->vm = vm;
    telling->action = *action;
    crash_point("before the hypervisor is told");
    r = driver == NULL || driver->set_balloon == NULL
            ? -EOPNOTSUPP
            : driver->set_balloon(vm->hypervisor.session, action->target, TELL_TIMEOUT, on_told,
                                  telling);
    crash_point("the hypervisor was told");
    if (r < 0)
        free(telling);
    return r;
}

int lease_keeper_write(struct lease_keeper *keeper, struct vm *vm,
                       const struct balloon_action *action, struct error *ret_error)
{
    const struct lease_journal *journal = &keeper->journal;
    struct error error;
    int r;

    crash_point(action->kind == BALLOON_PUT ? "before a lease is written"
                                            : "before a lease is removed");
    r = action->kind == BALLOON_PUT ? journal->put(journal->userdata, &action->lease, &error)
                                    : journal->remove(journal->userdata, action->lease.id, &error);
    crash_point(action->kind == BALLOON_PUT ? "a lease was written" : "a lease was removed");
    if (r == 0)
        return 0;
    supervisor_warn(keeper->supervisor, vm, "lease journal: %s", error.text);
    return error_set(ret_error, r, "%s", error.text);
}

/* False: nothing more can be done now. */
static bool perform(struct lease_keeper *keeper, struct vm *vm, const struct balloon_action *action)
{
    int r;

    if (action->kind == BALLOON_NOTHING)
        return false;
    if (action->kind == BALLOON_TELL) {
        r = tell(keeper, vm, action);
        if (r < 0)
            balloon_done(vm->leases.balloon, action, r, time_boottime());
        return false;
    }
    r = lease_keeper_write(keeper, vm, action, NULL);
    balloon_done(vm->leases.balloon, action, r, time_boottime());
    return true;
}

static void drop_balloon(struct vm *vm)
{
    list_remove(&vm->leases.link);
    free(vm->leases.balloon);
    vm->leases.balloon = NULL;
}

void lease_keeper_run(struct lease_keeper *keeper, struct vm *vm, struct balloon_input *input)
{
    struct balloon_control *control = vm->leases.balloon;
    enum balloon_news news;

    for (int i = 0; i < ACTIONS_PER_STEP; i++) {
        struct balloon_action action = balloon_step(control, input);

        input->pressure = false;
        input->voided = false;
        if (!perform(keeper, vm, &action))
            break;
    }
    while ((news = balloon_take_news(control)) != BALLOON_NO_NEWS)
        tell_news(keeper, vm, news);
    if (balloon_is_over(control))
        drop_balloon(vm);
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
    if (vm == NULL || vm->leases.balloon == NULL)
        return;
    input = lease_keeper_look(vm);
    lease_keeper_run(keeper, vm, &input);
}

static bool is_being_read(const struct lease_keeper *keeper, const struct vm *vm)
{
    list_for_each (link, &keeper->readings)
        if (strcmp(list_entry(link, struct reading, link)->sample.vm, vm->name) == 0)
            return true;
    return false;
}

static void read_guest(struct lease_keeper *keeper, struct vm *vm)
{
    struct reading *reading;

    if (is_being_read(keeper, vm))
        return;
    reading = calloc(1, sizeof(*reading));
    if (reading == NULL)
        return;
    reading->keeper = keeper;
    list_append(&keeper->readings, &reading->link);
    if (fresh_sample_start(&reading->sample, vm, on_reading, reading) < 0)
        end_reading(reading);
}

/* Samples come more rarely than steps. */
static bool needs_reading(const struct vm *vm, const struct balloon_input *input)
{
    return vm->leases.balloon != NULL && balloon_waits_for_reading(vm->leases.balloon, input);
}

/* ---- timer ---- */

static bool needs_raise(const struct vm *vm)
{
    return !vm->leases.balloon->telling &&
           balloon_wanted(vm->leases.balloon) > vm->leases.balloon->target;
}

static int by_need(const void *a, const void *b)
{
    const struct vm *x = *(struct vm *const *)a;
    const struct vm *y = *(struct vm *const *)b;

    return x->measured.guest.available < y->measured.guest.available
               ? -1
               : x->measured.guest.available > y->measured.guest.available;
}

/* Marks all but the most pressed of the VMs that wait for their memory. */
static void choose_raises(struct lease_keeper *keeper)
{
    struct vm *waiting[256] = {NULL};
    size_t count = 0;

    list_for_each (link, &keeper->balloons) {
        struct vm *vm = list_entry(link, struct vm, leases.link);

        vm->leases.may_raise = false;
        if (needs_raise(vm) && count < ARRAY_SIZE(waiting))
            waiting[count++] = vm;
    }
    qsort(waiting, count, sizeof(waiting[0]), by_need);
    for (size_t i = 0; i < count && i < RAISES_PER_TICK; i++)
        waiting[i]->leases.may_raise = true;
}

static void on_timer(uv_timer_t *timer)
{
    struct lease_keeper *keeper = timer->data;

    lease_waiting_tick(keeper, time_boottime());
    choose_raises(keeper);
    list_for_each_safe (link, following, &keeper->balloons) {
        struct vm *vm = list_entry(link, struct vm, leases.link);
        struct balloon_input input = lease_keeper_look(vm);

        supervisor_read_balloon(vm);
        input.hold_raise = needs_raise(vm) && !vm->leases.may_raise;
        lease_keeper_run(keeper, vm, &input);
        if (needs_reading(vm, &input))
            read_guest(keeper, vm);
    }
    if (list_is_empty(&keeper->balloons) && !lease_waiting_is_busy(keeper))
        (void)uv_timer_stop(timer);
}

void lease_keeper_wake(struct lease_keeper *keeper)
{
    if (!uv_is_closing((uv_handle_t *)&keeper->timer) &&
        !uv_is_active((uv_handle_t *)&keeper->timer))
        (void)uv_timer_start(&keeper->timer, on_timer, TICK / NSEC_PER_MSEC, TICK / NSEC_PER_MSEC);
}

/* ---- adopting and forgetting ---- */

int lease_keeper_adopt(struct lease_keeper *keeper, struct vm *vm)
{
    if (vm->leases.balloon != NULL)
        return 0;
    vm->leases.balloon = malloc(sizeof(*vm->leases.balloon));
    if (vm->leases.balloon == NULL)
        return -ENOMEM;
    balloon_adopt(vm->leases.balloon, vm->hypervisor.facts.balloon_actual);
    list_append(&keeper->balloons, &vm->leases.link);
    lease_keeper_wake(keeper);
    return 0;
}

void lease_keeper_forget(struct lease_keeper *keeper, struct vm *vm, const struct lease *lease)
{
    const struct balloon_action action = {.kind = BALLOON_FORGET, .lease = *lease};

    (void)lease_keeper_write(keeper, vm, &action, NULL);
    supervisor_warn(keeper->supervisor, vm,
                    "a lease of %" PRIu64 " bytes ends: its hypervisor, process %d, is gone",
                    lease->bytes, (int)lease->pid);
}

/* The hypervisor's end took the balloon along. */
static void forget_all(struct lease_keeper *keeper, struct vm *vm)
{
    for (uint32_t i = 0; i < vm->leases.balloon->lease_count; i++)
        lease_keeper_forget(keeper, vm, &vm->leases.balloon->leases[i].lease);
    drop_balloon(vm);
}

/* The VM is not supervised any more; its leases wait for it to come back, or to expire. */
static void set_aside(struct lease_keeper *keeper, struct vm *vm)
{
    for (uint32_t i = 0; i < vm->leases.balloon->lease_count; i++)
        lease_waiting_add(keeper, &vm->leases.balloon->leases[i].lease);
    drop_balloon(vm);
}

/* ---- events ---- */

static void on_hypervisor(struct lease_keeper *keeper, struct vm *vm)
{
    struct balloon_input input;

    /* It ended. A process that only cannot be looked at lives on while its session does. */
    if (!hypervisor_process_is_open(&vm->measured.process) && !vm->hypervisor.ready) {
        if (vm->leases.balloon != NULL)
            forget_all(keeper, vm);
        return;
    }
    lease_waiting_resume(keeper, vm);
    if (vm->leases.balloon == NULL)
        return;
    if (lease_keeper_is_inert(vm))
        vm->leases.balloon->trust = BALLOON_INERT;
    input = lease_keeper_look(vm);
    lease_keeper_run(keeper, vm, &input);
}

/* A snapshot brings its balloon along: what was taken then and given back since is given back
 * again. With leases, on_event voids them. */
static void on_restored(struct lease_keeper *keeper, struct vm *vm)
{
    uint64_t before = vm->hypervisor.balloon_before_restore;
    uint64_t actual = vm->hypervisor.facts.balloon_actual;

    if (vm->leases.balloon != NULL || actual == 0 || actual + BALLOON_SLACK >= before ||
        lease_keeper_adopt(keeper, vm) < 0)
        return;
    balloon_recover(vm->leases.balloon, before, actual);
    supervisor_warn(keeper->supervisor, vm,
                    "the snapshot's balloon leaves the guest %" PRIu64 " bytes, it had %" PRIu64
                    " before: it gets them back",
                    actual, before);
}

/* They come as events of the same kind as a size that moved. */
static bool is_our_news(const char *text)
{
    for (int news = 0; news < BALLOON_NEWS_COUNT; news++)
        if (text == balloon_news_text((enum balloon_news)news))
            return true;
    return false;
}

static void on_event(const struct vm_event *event, void *userdata)
{
    struct lease_keeper *keeper = userdata;
    struct vm *vm = event->vm;
    struct balloon_input input;

    if (event->kind == VM_EVENT_HYPERVISOR) {
        on_hypervisor(keeper, vm);
        return;
    }
    if (event->kind == VM_EVENT_RESTORED)
        on_restored(keeper, vm);
    if (event->kind == VM_EVENT_STATE && vm->life.state == VM_DISCOVERED)
        lease_waiting_note(keeper, vm);
    if (vm->leases.balloon == NULL)
        return;
    input = lease_keeper_look(vm);
    switch (event->kind) {
    case VM_EVENT_PRESSURE:
        input.pressure = true;
        break;
    case VM_EVENT_RESET:
    case VM_EVENT_RESTORED:
        input.voided = true;
        break;
    case VM_EVENT_STATE:
        input.voided = input.voided || vm->life.state == VM_MIGRATING;
        break;
    case VM_EVENT_SAMPLE:
        break;
    case VM_EVENT_BALLOON:
        if (is_our_news(event->text))
            return;
        break;
    case VM_EVENT_REMOVED:
        set_aside(keeper, vm);
        return;
    default:
        return;
    }
    lease_keeper_run(keeper, vm, &input);
}

/* ---- the whole ---- */

int lease_keeper_init(struct lease_keeper *keeper, struct supervisor *supervisor,
                      const struct lease_journal *journal, struct error *error)
{
    int r;

    *keeper = (struct lease_keeper){
        .supervisor = supervisor,
        .journal = *journal,
        .listener = {.on_event = on_event, .userdata = keeper, .acts = true},
    };
    list_init(&keeper->balloons);
    list_init(&keeper->waiting);
    list_init(&keeper->readings);
    r = uv_timer_init(supervisor->loop, &keeper->timer);
    if (r < 0)
        return error_set(error, r, "cannot make a timer: %s", uv_strerror(r));
    keeper->timer.data = keeper;
    supervisor_listen(supervisor, &keeper->listener);
    lease_keeper_wake(keeper);
    return lease_waiting_load(keeper, error);
}

void lease_keeper_stop(struct lease_keeper *keeper)
{
    list_for_each_safe (link, following, &keeper->readings)
        end_reading(list_entry(link, struct reading, link));
    (void)uv_timer_stop(&keeper->timer);
    uv_close((uv_handle_t *)&keeper->timer, NULL);
}

void lease_keeper_finish(struct lease_keeper *keeper)
{
    lease_waiting_finish(keeper);
}

size_t lease_keeper_count(const struct lease_keeper *keeper)
{
    size_t count = lease_waiting_count(keeper, 0);

    list_for_each (link, &keeper->balloons)
        count += list_entry(link, struct vm, leases.link)->leases.balloon->lease_count;
    return count;
}

size_t lease_keeper_expired(const struct lease_keeper *keeper, int64_t time)
{
    return lease_waiting_count(keeper, time);
}

const char *lease_keeper_problem(const struct lease_keeper *keeper)
{
    return keeper->problem.text[0] == '\0' ? NULL : keeper->problem.text;
}
