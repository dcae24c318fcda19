/* Records over time, with the time injected: a hypervisor's made-up /proc, the real store. */
#include "tests/lib/test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/number.h"
#include "controller/api/api.h"
#include "controller/records/guest_actions.h"
#include "controller/records/recorder.h"
#include "controller/records/reports.h"
#include "tests/lib/fixture.h"

#define BEFORE VMRECLAIM__CONTROLLER__V1__ACTION_PHASE__ACTION_PHASE_BEFORE
#define DURING VMRECLAIM__CONTROLLER__V1__ACTION_PHASE__ACTION_PHASE_DURING
#define AFTER  VMRECLAIM__CONTROLLER__V1__ACTION_PHASE__ACTION_PHASE_AFTER
#define LATER  VMRECLAIM__CONTROLLER__V1__ACTION_PHASE__ACTION_PHASE_LATER
#define LOW    VMRECLAIM__CONTROLLER__V1__CONFIDENCE__CONFIDENCE_LOW
#define MEDIUM VMRECLAIM__CONTROLLER__V1__CONFIDENCE__CONFIDENCE_MEDIUM
#define ID     "0123456789abcdef"

typedef Vmreclaim__Controller__V1__Action Action;

static struct fixture fixture;
static uv_loop_t loop;
static struct supervisor supervisor;
static struct api api;
static struct store *store;
static struct recorder recorder;
static struct vm *vm;

static void set_footprint(uint64_t mib)
{
    char text[256];

    (void)snprintf(text, sizeof(text),
                   "Name:\tqemu\nVmRSS:\t1 kB\nRssAnon:\t%llu kB\nRssFile:\t1 kB\nRssShmem:\t0 kB\n"
                   "VmSwap:\t0 kB\nHugetlbPages:\t0 kB\n",
                   (unsigned long long)mib * 1024);
    fixture_write(&fixture, "proc/42/status", text);
    /* the status file is held open: a rewritten one is another */
    if (vm != NULL) {
        assert_int_equal(hypervisor_process_open(&vm->process, fixture.root, 42, NULL), 0);
        assert_int_equal(supervisor_measure(&supervisor, vm), 0);
    }
}

static int set_up(void **state)
{
    char path[128];

    (void)state;
    fixture_init(&fixture);
    fixture_write(&fixture, "proc/42/stat",
                  "42 (qemu) S 1 42 42 0 -1 4194560 1 0 0 0 5 6 0 0 20 0 3 0 1 1 1\n");
    fixture_write(&fixture, "proc/42/maps", "");
    fixture_directory(&fixture, "proc/42/fd");
    vm = NULL;
    set_footprint(500);
    (void)snprintf(path, sizeof(path), "%s/store.db", fixture.path);
    assert_int_equal(uv_loop_init(&loop), 0);
    assert_int_equal(supervisor_init(&supervisor, &loop, fixture.root, NSEC_PER_SEC), 0);
    api_init(&api, &supervisor);
    assert_int_equal(store_create(path, &store), 0);
    assert_int_equal(recorder_init(&recorder, &api, store), 0);
    assert_int_equal(vm_create("web1", &vm), 0);
    vm->sources = VM_SOURCE_FILE;
    assert_int_equal(supervisor_add_vm(&supervisor, vm, NULL), 0);
    set_footprint(500);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    recorder_stop(&recorder);
    api_stop(&api);
    supervisor_stop(&supervisor);
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    recorder_finish(&recorder);
    supervisor_finish(&supervisor);
    assert_int_equal(uv_loop_close(&loop), 0);
    store_destroy(store);
    fixture_finish(&fixture);
    return 0;
}

/* What a record must have. */
struct expectation {
    bool checked_again;
    int64_t returned;
    int64_t returned_later;
    int phases[8]; /* 0 past the end */
};

static int compare(const Action *action, void *userdata)
{
    const struct expectation *expected = userdata;
    size_t count = 0;

    assert_int_equal(action->checked_again, expected->checked_again);
    assert_int_equal(action->host_returned, expected->returned);
    assert_int_equal(action->host_returned_later, expected->returned_later);
    while (count < ARRAY_SIZE(expected->phases) && expected->phases[count] != 0)
        count++;
    assert_int_equal(action->n_samples, count);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(action->samples[i]->phase, expected->phases[i]);
    return 0;
}

static void expect(const char *id, struct expectation expectation)
{
    assert_int_equal(store_action(store, id, compare, &expectation, NULL), 0);
}

static void test_an_operators_action_is_checked_again(void **state)
{
    const struct api_action_recorder *hooks = &recorder.actions;
    Action action = VMRECLAIM__CONTROLLER__V1__ACTION__INIT;
    nsec_t start = time_boottime();

    (void)state;
    action.id = (char *)ID;
    action.vm = (char *)"web1";
    action.kind = (char *)"compact";
    action.started_ns = time_realtime();
    action.footprint_before = vm->host.footprint;
    hooks->on_started(vm, &action, hooks->userdata);
    set_footprint(200);
    hooks->on_progress(vm, ID, hooks->userdata);
    action.footprint_after = vm->host.footprint;
    action.host_returned = (int64_t)(300 * MIB);
    hooks->on_finished(vm, &action, hooks->userdata);
    expect(ID, (struct expectation){false, (int64_t)(300 * MIB), 0, {BEFORE, DURING, AFTER}});
    recorder_tick(&recorder, start + 590 * NSEC_PER_SEC, time_realtime());
    expect(ID, (struct expectation){false, (int64_t)(300 * MIB), 0, {BEFORE, DURING, AFTER}});
    set_footprint(260);
    recorder_tick(&recorder, start + 700 * NSEC_PER_SEC, time_realtime());
    expect(ID,
           (struct expectation){
               true, (int64_t)(300 * MIB), (int64_t)(240 * MIB), {BEFORE, DURING, AFTER, LATER}});
    assert_int_equal(recorder.track_count, 0);
}

/* Later figures are the same figure: less the drift of the action's own window. */
static void test_later_figures_take_the_drift_off(void **state)
{
    const struct api_action_recorder *hooks = &recorder.actions;
    Action action = VMRECLAIM__CONTROLLER__V1__ACTION__INIT;
    int64_t returned = 0;

    (void)state;
    action.id = (char *)ID;
    action.vm = (char *)"web1";
    action.started_ns = time_realtime();
    action.footprint_before = vm->host.footprint;
    hooks->on_started(vm, &action, hooks->userdata);
    assert_int_equal(recorder_measure_again(vm, &action, &returned), -ENODATA); /* not yet */
    set_footprint(200);
    action.drift = -200 * (int64_t)MIB;
    action.host_returned = 100 * (int64_t)MIB;
    hooks->on_finished(vm, &action, hooks->userdata);
    assert_int_equal(recorder_measure_again(vm, &action, &returned), 0);
    assert_int_equal(returned, 100 * MIB);
    set_footprint(180);
    recorder_tick(&recorder, time_boottime() + 700 * NSEC_PER_SEC, time_realtime());
    expect(ID, (struct expectation){
                   true, (int64_t)(100 * MIB), (int64_t)(120 * MIB), {BEFORE, AFTER, LATER}});
}

/* Ends the recorder as the daemon's end does, and starts another on the same store. */
static void restart(void)
{
    recorder_stop(&recorder);
    (void)uv_run(&loop, UV_RUN_NOWAIT);
    recorder_finish(&recorder);
    assert_int_equal(recorder_init(&recorder, &api, store), 0);
}

static void finish_action(void)
{
    const struct api_action_recorder *hooks = &recorder.actions;
    Action action = VMRECLAIM__CONTROLLER__V1__ACTION__INIT;

    action.id = (char *)ID;
    action.vm = (char *)"web1";
    action.started_ns = time_realtime();
    action.footprint_before = vm->host.footprint;
    hooks->on_started(vm, &action, hooks->userdata);
    set_footprint(200);
    action.host_returned = (int64_t)(300 * MIB);
    hooks->on_finished(vm, &action, hooks->userdata);
}

static void test_a_restart_resumes_what_waits(void **state)
{
    nsec_t start = time_boottime();

    (void)state;
    finish_action();
    restart();
    assert_int_equal(recorder.track_count, 1);
    recorder_tick(&recorder, start + 590 * NSEC_PER_SEC, time_realtime());
    expect(ID, (struct expectation){false, (int64_t)(300 * MIB), 0, {BEFORE, AFTER}});
    recorder_tick(&recorder, start + 700 * NSEC_PER_SEC, time_realtime());
    expect(ID, (struct expectation){
                   true, (int64_t)(300 * MIB), (int64_t)(300 * MIB), {BEFORE, AFTER, LATER}});
    restart();
    assert_int_equal(recorder.track_count, 0);
}

/* Another process holds other memory: no figure is better than a wrong one. */
static void test_another_process_is_not_compared(void **state)
{
    char text[128];

    (void)state;
    finish_action();
    (void)snprintf(text, sizeof(text),
                   "42 (qemu) S 1 42 42 0 -1 4194560 1 0 0 0 5 6 0 0 20 0 3 0 %llu 1 1\n",
                   (unsigned long long)(time_boottime() / NSEC_PER_SEC + 60) *
                       (unsigned long long)sysconf(_SC_CLK_TCK));
    fixture_write(&fixture, "proc/42/stat", text);
    set_footprint(20);
    recorder_tick(&recorder, time_boottime() + 700 * NSEC_PER_SEC, time_realtime());
    assert_int_equal(recorder.track_count, 0);
    expect(ID, (struct expectation){false, (int64_t)(300 * MIB), 0, {BEFORE, AFTER}});
}

static void tell_guest_action(const char *id)
{
    Vmreclaim__Agent__V1__ActionResult result = VMRECLAIM__AGENT__V1__ACTION_RESULT__INIT;

    result.action_id = (char *)id;
    result.kind = VMRECLAIM__AGENT__V1__ACTION_KIND__ACTION_KIND_COMPACT;
    result.outcome = VMRECLAIM__AGENT__V1__OUTCOME__OUTCOME_DONE;
    result.asked_by = (char *)"policy";
    result.duration_ns = NSEC_PER_SEC;
    supervisor_emit(&supervisor,
                    &(struct vm_event){.vm = vm, .kind = VM_EVENT_ACTION, .action = &result});
    reports_take(&recorder, REPORTS_MAX); /* what the tick does */
}

/* Pages of the hypervisor's heap, beside a guest of 1 GiB. */
static void set_heap(unsigned pages)
{
    char path[96];
    const uint64_t present = UINT64_C(1) << 63;
    const uint64_t address = 0x7f1000000000;
    uint64_t page_size = (uint64_t)sysconf(_SC_PAGESIZE);
    FILE *file;

    fixture_write(&fixture, "proc/42/maps",
                  "7f0000000000-7f0040000000 rw-p 00000000 00:00 0 \n"
                  "7f1000000000-7f1000400000 rw-p 00000000 00:00 0 [heap]\n");
    (void)snprintf(path, sizeof(path), "%s/proc/42/pagemap", fixture.path);
    file = fopen(path, "we");
    assert_non_null(file);
    assert_int_equal(fseeko(file, (off_t)(address / page_size * sizeof(present)), SEEK_SET), 0);
    for (unsigned i = 0; i < pages; i++)
        assert_int_equal(fwrite(&present, sizeof(present), 1, file), 1);
    assert_int_equal(fclose(file), 0);
}

/* What a hypervisor frees of its own during an action, and has taken before it, is no guest's. */
static void test_a_hypervisors_heap_is_not_the_guests(void **state)
{
    uint64_t page_size = (uint64_t)sysconf(_SC_PAGESIZE);
    nsec_t now = time_boottime();

    (void)state;
    vm->hypervisor.backing = MEMORY_BACKING_ANONYMOUS;
    vm->hypervisor.ram = GIB;
    footprint_history_add(&vm->history, now - 2 * NSEC_PER_SEC, 500 * MIB);
    set_heap(200);
    tell_guest_action(ID);
    set_heap(100);
    set_footprint(150);
    recorder_tick(&recorder, now + 40 * NSEC_PER_SEC, time_realtime());
    expect(ID, (struct expectation){
                   false, (int64_t)(350 * MIB - 100 * page_size), 0, {BEFORE, DURING, AFTER}});
}

static void test_a_guests_own_action_is_closed_when_it_has_settled(void **state)
{
    nsec_t now = time_boottime();

    (void)state;
    footprint_history_add(&vm->history, now - 2 * NSEC_PER_SEC, 500 * MIB);
    tell_guest_action(ID);
    tell_guest_action(ID); /* twice is one */
    assert_int_equal(recorder.track_count, 1);
    set_footprint(150);
    recorder_tick(&recorder, now + 40 * NSEC_PER_SEC, time_realtime());
    expect(ID, (struct expectation){false, (int64_t)(350 * MIB), 0, {BEFORE, DURING, AFTER}});
    recorder_tick(&recorder, now + 700 * NSEC_PER_SEC, time_realtime());
    expect(ID,
           (struct expectation){
               true, (int64_t)(350 * MIB), (int64_t)(350 * MIB), {BEFORE, DURING, AFTER, LATER}});
}

/* ---- runs of the guest's own actions ---- */

enum { STEPS_MAX = 16 };

/* All records of the VM, the newest first. */
struct all {
    Action actions[STEPS_MAX]; /* plain figures only */
    char reasons[STEPS_MAX][160];
    size_t count;
    int64_t returned; /* by all */
};

static int add_to_all(const Action *action, void *userdata)
{
    struct all *all = userdata;

    assert_true(all->count < STEPS_MAX);
    (void)snprintf(all->reasons[all->count], sizeof(all->reasons[0]), "%s", action->reason);
    all->actions[all->count++] = *action;
    all->returned += action->host_returned;
    return 0;
}

static struct all read_all(void)
{
    struct all all = {.count = 0};

    assert_int_equal(store_actions(store, "web1", 0, STEPS_MAX, add_to_all, &all, NULL), 0);
    return all;
}

/* The footprint of the last `seconds`, falling by so much in each. */
static void remember(nsec_t now, uint64_t seconds, uint64_t mib, uint64_t fall)
{
    for (uint64_t i = 0; i <= seconds; i++)
        footprint_history_add(&vm->history, now - (seconds - i) * NSEC_PER_SEC,
                              (mib - i * fall) * MIB);
}

/* A step that took `seconds`, ended `now`, and freed so much in the guest. */
static void tell_step(nsec_t now, uint64_t seconds, uint64_t freed_mib)
{
    Vmreclaim__Agent__V1__ActionResult result = VMRECLAIM__AGENT__V1__ACTION_RESULT__INIT;

    result.kind = VMRECLAIM__AGENT__V1__ACTION_KIND__ACTION_KIND_RECLAIM_CACHE;
    result.outcome = VMRECLAIM__AGENT__V1__OUTCOME__OUTCOME_DONE;
    result.duration_ns = seconds * NSEC_PER_SEC;
    result.free_before = GIB;
    result.free_after = GIB + freed_mib * MIB;
    guest_action_take(&recorder, vm, &result, now);
}

/* Nobody knows whose a returned page was: each has its part of what came back, and the parts are
 * all of it. */
static void test_steps_divide_what_came_back(void **state)
{
    nsec_t now = time_boottime();
    struct all all;

    (void)state;
    remember(now - 8 * NSEC_PER_SEC, 12, 4000, 0);
    for (uint64_t i = 0; i < 8; i++) {
        set_footprint(4000 - 100 * i);
        tell_step(now - (7 - i) * NSEC_PER_SEC, 1, i == 7 ? 512 : 256);
    }
    assert_int_equal(recorder.track_count, 8);
    set_footprint(2000);
    recorder_tick(&recorder, now + 31 * NSEC_PER_SEC, time_realtime());
    all = read_all();
    assert_int_equal(all.count, 8);
    assert_in_range(all.returned, 2000 * MIB - 8, 2000 * MIB);
    for (size_t i = 0; i < all.count; i++) {
        const Action *action = &all.actions[i];
        assert_true(action->finished);
        assert_int_equal(action->confidence, MEDIUM);
        assert_int_equal(action->footprint_before, 4000 * MIB);
        assert_int_equal(action->footprint_after, 2000 * MIB);
        assert_int_equal(action->host_returned, 2000 * MIB * (i == 0 ? 2 : 1) / 9);
    }
}

static void test_steps_that_freed_nothing(void **state)
{
    nsec_t now = time_boottime();
    struct all all;

    (void)state;
    remember(now - 2 * NSEC_PER_SEC, 12, 500, 0);
    tell_step(now - NSEC_PER_SEC, 1, 0);
    tell_step(now, 1, 0);
    set_footprint(400);
    recorder_tick(&recorder, now + 31 * NSEC_PER_SEC, time_realtime());
    all = read_all();
    assert_int_equal(all.count, 2);
    assert_int_equal(all.actions[0].host_returned, 50 * MIB);
    assert_int_equal(all.actions[1].host_returned, 50 * MIB);
}

/* What fell before the run would have fallen on. */
static void test_the_drift_is_taken_off_a_run(void **state)
{
    nsec_t now = time_boottime();
    struct all all;

    (void)state;
    remember(now - 2 * NSEC_PER_SEC, 12, 548, 4);
    tell_step(now - NSEC_PER_SEC, 1, 100);
    tell_step(now, 1, 100);
    set_footprint(400);
    recorder_tick(&recorder, now + 31 * NSEC_PER_SEC, time_realtime());
    all = read_all();
    assert_int_equal(all.count, 2);
    assert_int_equal(all.actions[0].drift, -20 * (int64_t)MIB);
    assert_int_equal(all.returned, 60 * MIB);
}

/* A run that goes on is closed in between, and the next begins there: what an action still brings
 * after that is the next run's, and no byte is told twice. */
static void test_a_run_that_goes_on(void **state)
{
    nsec_t now = time_boottime();
    struct all all;

    (void)state;
    remember(now - 62 * NSEC_PER_SEC, 12, 500, 0);
    tell_step(now - 61 * NSEC_PER_SEC, 1, 100);
    set_footprint(300);
    tell_step(now, 60, 100);
    set_footprint(250);
    recorder_tick(&recorder, now + 31 * NSEC_PER_SEC, time_realtime());
    all = read_all();
    assert_int_equal(all.count, 2);
    assert_int_equal(all.returned, 250 * MIB);
    assert_int_equal(all.actions[0].share_of, 0);
}

/* An operator's action ends the run, and has what comes back while it is under way. */
static void test_an_operators_action_ends_a_run(void **state)
{
    const struct api_action_recorder *hooks = &recorder.actions;
    Action action = VMRECLAIM__CONTROLLER__V1__ACTION__INIT;
    nsec_t now = time_boottime();
    struct all all;

    (void)state;
    remember(now - NSEC_PER_SEC, 12, 500, 0);
    tell_step(now, 1, 100);
    set_footprint(450);
    action.id = (char *)ID;
    action.vm = (char *)"web1";
    action.started_ns = time_realtime() + 1; /* the newest but one */
    action.footprint_before = vm->host.footprint;
    hooks->on_started(vm, &action, hooks->userdata);
    tell_step(now, 0, 100); /* meanwhile */
    set_footprint(300);
    action.host_returned = 150 * (int64_t)MIB;
    hooks->on_finished(vm, &action, hooks->userdata);
    tell_step(time_boottime(), 2, 100); /* began while it was under way */
    set_footprint(290);
    recorder_tick(&recorder, now + 40 * NSEC_PER_SEC, time_realtime());
    all = read_all();
    assert_int_equal(all.count, 4);
    assert_int_equal(all.returned, 210 * MIB);
    for (size_t i = 0; i < all.count; i++)
        if (strstr(all.reasons[i], "operator's action was under way") != NULL)
            assert_int_equal(all.actions[i].confidence, LOW);
}

static void test_a_begin_that_is_not_known(void **state)
{
    nsec_t now = time_boottime();
    struct all all;

    (void)state;
    remember(now, 20, 500, 0);
    tell_step(now, 30, 100);
    assert_int_equal(recorder.track_count, 0);
    all = read_all();
    assert_int_equal(all.count, 1);
    assert_true(all.actions[0].finished);
    assert_int_equal(all.actions[0].footprint_before, 0);
    assert_int_equal(all.actions[0].host_returned, 0);
    assert_int_equal(all.actions[0].confidence, LOW);
    assert_non_null(strstr(all.reasons[0], "is not known"));
}

/* The guest's figures before it are its own, not those of now. */
static int check_before(const Action *action, void *userdata)
{
    (void)userdata;
    assert_int_equal(action->samples[0]->phase, BEFORE);
    assert_true(action->samples[0]->guest_is_known);
    assert_int_equal(action->samples[0]->in_use, 300 * MIB);
    assert_int_equal(action->samples[0]->reportable, 40 * MIB);
    assert_int_equal(action->samples[1]->in_use, 250 * MIB);
    return 0;
}

static void test_the_guests_side_before(void **state)
{
    Vmreclaim__Agent__V1__ActionResult result = VMRECLAIM__AGENT__V1__ACTION_RESULT__INIT;
    nsec_t now = time_boottime();

    (void)state;
    remember(now - NSEC_PER_SEC, 4, 500, 0);
    vm->agent = (struct agent_link *)&fixture; /* there is one: only that is asked here */
    vm->guest = (struct guest_memory){
        .received = now, .free = 200 * MIB, .in_use = 500 * MIB, .total = 700 * MIB};
    result.action_id = (char *)ID;
    result.duration_ns = NSEC_PER_SEC;
    assert_int_equal(supervisor_measure(&supervisor, vm), 0);
    result.free_before = 100 * MIB;
    result.reported_before = 50 * MIB;
    result.trapped_before = 10 * MIB;
    result.cache_before = 300 * MIB;
    result.free_after = 250 * MIB;
    result.cache_after = 200 * MIB;
    guest_action_take(&recorder, vm, &result, now);
    vm->agent = NULL;
    recorder_tick(&recorder, now + 40 * NSEC_PER_SEC, time_realtime());
    assert_int_equal(store_action(store, ID, check_before, NULL, NULL), 0);
}

static int count_action(const Action *action, void *userdata)
{
    unsigned *count = userdata;

    assert_int_equal(strlen(action->id), ACTION_ID_SIZE - 1);
    (*count)++;
    return 0;
}

/* Names of records are ours to give: a guest that takes one, or none that can be one, gets another.
 */
static void test_a_guest_cannot_write_over_records(void **state)
{
    static const char *const ids[] = {ID, "policy-1", "", "0123456789ABCDEF", "../../etc/passwd"};
    Action action = VMRECLAIM__CONTROLLER__V1__ACTION__INIT;
    nsec_t now = time_boottime();
    unsigned count = 0;

    (void)state;
    action.id = (char *)ID;
    action.vm = (char *)"another";
    action.host_returned = 7;
    assert_int_equal(store_put_action(store, &action), 0);
    footprint_history_add(&vm->history, now - 2 * NSEC_PER_SEC, 500 * MIB);
    for (size_t i = 0; i < ARRAY_SIZE(ids); i++)
        tell_guest_action(ids[i]);
    assert_int_equal(recorder.track_count, ARRAY_SIZE(ids));
    recorder_tick(&recorder, now + 40 * NSEC_PER_SEC, time_realtime());
    expect(ID, (struct expectation){.returned = 7});
    assert_int_equal(store_actions(store, "web1", 0, 100, count_action, &count, NULL), 0);
    assert_int_equal(count, ARRAY_SIZE(ids));
}

static void test_a_vm_that_goes_leaves_its_record(void **state)
{
    nsec_t now = time_boottime();
    struct all all;

    (void)state;
    footprint_history_add(&vm->history, now - 2 * NSEC_PER_SEC, 500 * MIB);
    tell_guest_action(ID);
    supervisor_remove_vm(&supervisor, vm);
    recorder_tick(&recorder, now + 40 * NSEC_PER_SEC, time_realtime());
    assert_int_equal(recorder.track_count, 0);
    expect(ID, (struct expectation){.phases = {BEFORE, DURING}});
    all = read_all();
    assert_true(all.actions[0].finished);
    assert_int_equal(all.actions[0].footprint_before, 0);
    assert_int_equal(all.actions[0].confidence, LOW);
    assert_non_null(strstr(all.reasons[0], "was gone"));
}

/* An operator's action is told its end without a VM: nothing came back that anybody measured. */
static void test_a_vm_that_goes_during_an_operators_action(void **state)
{
    const struct api_action_recorder *hooks = &recorder.actions;
    Action action = VMRECLAIM__CONTROLLER__V1__ACTION__INIT;
    struct all all;

    (void)state;
    action.id = (char *)ID;
    action.vm = (char *)"web1";
    action.footprint_before = 500 * MIB;
    hooks->on_started(vm, &action, hooks->userdata);
    hooks->on_finished(NULL, &action, hooks->userdata);
    recorder_tick(&recorder, time_boottime(), time_realtime());
    assert_int_equal(recorder.track_count, 0);
    all = read_all();
    assert_true(all.actions[0].finished);
    assert_int_equal(all.actions[0].footprint_before, 0);
    assert_int_equal(all.actions[0].confidence, LOW);
    assert_non_null(strstr(all.reasons[0], "was gone"));
}

/* ---- the end of the daemon ---- */

/* A killed daemon writes nothing more: the next closes what was under way. */
static void test_an_interrupted_action_is_closed(void **state)
{
    const struct api_action_recorder *hooks = &recorder.actions;
    Action action = VMRECLAIM__CONTROLLER__V1__ACTION__INIT;
    struct all all;

    (void)state;
    action.id = (char *)ID;
    action.vm = (char *)"web1";
    action.started_ns = time_realtime() - 86400 * (int64_t)NSEC_PER_SEC; /* and came back late */
    action.footprint_before = 500 * MIB;
    hooks->on_started(vm, &action, hooks->userdata);
    restart();
    all = read_all();
    assert_int_equal(all.count, 1);
    assert_true(all.actions[0].finished);
    assert_int_equal(all.actions[0].footprint_before, 0);
    assert_int_equal(all.actions[0].confidence, LOW);
    assert_non_null(strstr(all.reasons[0], "interrupted: vmreclaimd ended"));
    assert_int_equal(recorder.track_count, 0);
}

static void test_a_restart_resumes_what_settles(void **state)
{
    nsec_t now = time_boottime();
    struct all all;

    (void)state;
    remember(now - 2 * NSEC_PER_SEC, 12, 548, 4);
    tell_step(now - NSEC_PER_SEC, 1, 100);
    tell_step(now, 1, 300);
    all = read_all();
    assert_int_equal(all.count, 2);
    assert_false(all.actions[0].finished);
    restart();
    assert_int_equal(recorder.track_count, 2);
    set_footprint(300);
    recorder_tick(&recorder, time_boottime() + 31 * NSEC_PER_SEC, time_realtime());
    all = read_all();
    assert_int_equal(all.count, 2);
    assert_true(all.actions[0].finished && all.actions[1].finished);
    assert_int_equal(all.returned, 160 * MIB); /* less 40 MiB of drift */
    for (size_t i = 0; i < all.count; i++)
        assert_int_equal(all.actions[i].n_samples, 3);
}

static void test_what_settled_long_ago_is_closed(void **state)
{
    Vmreclaim__Agent__V1__ActionResult result = VMRECLAIM__AGENT__V1__ACTION_RESULT__INIT;
    Vmreclaim__Controller__V1__ActionSample before = VMRECLAIM__CONTROLLER__V1__ACTION_SAMPLE__INIT;
    Vmreclaim__Controller__V1__ActionSample *samples[] = {&before};
    Action action = VMRECLAIM__CONTROLLER__V1__ACTION__INIT;
    struct all all;

    (void)state;
    action.id = (char *)ID;
    action.vm = (char *)"web1";
    action.guest = &result;
    action.samples = samples;
    action.n_samples = 1;
    action.started_ns = time_realtime() - 120 * (int64_t)NSEC_PER_SEC;
    action.footprint_before = 500 * MIB;
    assert_int_equal(store_put_action(store, &action), 0);
    restart();
    assert_int_equal(recorder.track_count, 0);
    all = read_all();
    assert_true(all.actions[0].finished);
    assert_non_null(strstr(all.reasons[0], "interrupted"));
}

/* The guest's message is not held up by what its record costs. */
static void test_a_report_waits_for_the_tick(void **state)
{
    Vmreclaim__Agent__V1__ActionResult result = VMRECLAIM__AGENT__V1__ACTION_RESULT__INIT;
    const struct vm_event event = {.vm = vm, .kind = VM_EVENT_ACTION, .action = &result};
    nsec_t now = time_boottime();

    (void)state;
    footprint_history_add(&vm->history, now - 2 * NSEC_PER_SEC, 500 * MIB);
    result.action_id = (char *)ID;
    supervisor_emit(&supervisor, &event);
    assert_int_equal(recorder.track_count, 0);
    assert_int_equal(recorder.report_count, 1);
    recorder_tick(&recorder, now, time_realtime());
    assert_int_equal(recorder.track_count, 1);
    assert_int_equal(recorder.report_count, 0);
    for (unsigned i = 0; i < REPORTS_MAX + 5; i++)
        supervisor_emit(&supervisor, &event);
    assert_int_equal(recorder.report_count, REPORTS_MAX);
    reports_take(&recorder, REPORTS_MAX);
}

#define with_recorder(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_recorder(test_an_operators_action_is_checked_again),
        with_recorder(test_later_figures_take_the_drift_off),
        with_recorder(test_a_restart_resumes_what_waits),
        with_recorder(test_another_process_is_not_compared),
        with_recorder(test_a_guests_own_action_is_closed_when_it_has_settled),
        with_recorder(test_steps_divide_what_came_back),
        with_recorder(test_steps_that_freed_nothing),
        with_recorder(test_the_drift_is_taken_off_a_run),
        with_recorder(test_a_run_that_goes_on),
        with_recorder(test_an_operators_action_ends_a_run),
        with_recorder(test_a_begin_that_is_not_known),
        with_recorder(test_the_guests_side_before),
        with_recorder(test_a_hypervisors_heap_is_not_the_guests),
        with_recorder(test_a_report_waits_for_the_tick),
        with_recorder(test_a_guest_cannot_write_over_records),
        with_recorder(test_a_vm_that_goes_leaves_its_record),
        with_recorder(test_a_vm_that_goes_during_an_operators_action),
        with_recorder(test_an_interrupted_action_is_closed),
        with_recorder(test_a_restart_resumes_what_settles),
        with_recorder(test_what_settled_long_ago_is_closed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
