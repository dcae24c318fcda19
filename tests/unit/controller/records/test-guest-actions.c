/* Records of the guests' own actions: by themselves, in runs, and what a guest may not do. */
#include "controller/vms/hypervisor.h"
#include "controller/vms/life.h"
#include "tests/unit/controller/records/recorder-fixture.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "controller/records/guest-actions.h"
#include "controller/records/reports.h"
#include "controller/store/queries.h"

static void tell_guest_action(const char *id)
{
    Vmreclaim__Agent__V1__ActionResult result = VMRECLAIM__AGENT__V1__ACTION_RESULT__INIT;

    result.action_id = (char *)id;
    result.kind = VMRECLAIM__AGENT__V1__ACTION_KIND__ACTION_KIND_COMPACT;
    result.outcome = VMRECLAIM__AGENT__V1__OUTCOME__OUTCOME_DONE;
    result.asked_by = (char *)"policy";
    result.duration_ns = NSEC_PER_SEC;
    supervisor_emit(
        &supervisor,
        &(struct vm_event){.vm = vm, .kind = VM_EVENT_GUEST_ACTION, .guest_action = &result});
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
    snprintf(path, sizeof(path), "%s/proc/42/pagemap", fixture.path);
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

    vm->hypervisor.facts.backing = MEMORY_BACKING_ANONYMOUS;
    vm->hypervisor.facts.ram = GIB;
    footprint_history_add(&vm->measured.history, now - 2 * NSEC_PER_SEC, 500 * MIB);
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

    footprint_history_add(&vm->measured.history, now - 2 * NSEC_PER_SEC, 500 * MIB);
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

/* Nobody knows whose a returned page was: each has its part of what came back, and the parts are
 * all of it. */
static void test_steps_divide_what_came_back(void **state)
{
    nsec_t now = time_boottime();
    struct all all;

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
    Action action = VMRECLAIM__CONTROLLER__V1__ACTION__INIT;
    nsec_t now = time_boottime();
    struct all all;

    remember(now - NSEC_PER_SEC, 12, 500, 0);
    tell_step(now, 1, 100);
    set_footprint(450);
    action.id = (char *)ID;
    action.vm = (char *)"web1";
    action.started_ns = time_realtime() + 1; /* the newest but one */
    action.footprint_before = vm->measured.host.footprint;
    begin_action(&action);
    tell_step(now, 0, 100); /* meanwhile */
    set_footprint(300);
    action.host_returned = 150 * (int64_t)MIB;
    end_action(&action);
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

    remember(now, 20, 500, 0);
    tell_step(now, 30, 100);
    assert_int_equal(recorder.track_count, 0);
    expect_unmeasured("is not known");
}

/* The guest's figures before it are its own, not those of now. */
static int check_before(Action *action, void *userdata)
{
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

    remember(now - NSEC_PER_SEC, 4, 500, 0);
    vm->links.agent = (struct agent_link *)&fixture; /* there is one: only that is asked here */
    vm->measured.guest = (struct guest_memory){
        .received = now, .free = 200 * MIB, .in_use = 500 * MIB, .total = 700 * MIB};
    result.action_id = (char *)ID;
    result.duration_ns = NSEC_PER_SEC;
    assert_int_equal(vm_measure(vm), 0);
    result.free_before = 100 * MIB;
    result.reported_before = 50 * MIB;
    result.trapped_before = 10 * MIB;
    result.cache_before = 300 * MIB;
    result.free_after = 250 * MIB;
    result.cache_after = 200 * MIB;
    guest_action_take(&recorder, vm, &result, ID, now);
    vm->links.agent = NULL;
    recorder_tick(&recorder, now + 40 * NSEC_PER_SEC, time_realtime());
    assert_int_equal(store_action(store, ID, check_before, NULL, NULL), 0);
}

static int count_action(Action *action, void *userdata)
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
    const struct action_walk walk = action_walk_down("web1", 0, INT64_MAX);
    Action action = VMRECLAIM__CONTROLLER__V1__ACTION__INIT;
    nsec_t now = time_boottime();
    unsigned count = 0;

    action.id = (char *)ID;
    action.vm = (char *)"another";
    action.host_returned = 7;
    assert_int_equal(store_put_action(store, &action), 0);
    footprint_history_add(&vm->measured.history, now - 2 * NSEC_PER_SEC, 500 * MIB);
    for (size_t i = 0; i < ARRAY_SIZE(ids); i++)
        tell_guest_action(ids[i]);
    assert_int_equal(recorder.track_count, ARRAY_SIZE(ids));
    recorder_tick(&recorder, now + 40 * NSEC_PER_SEC, time_realtime());
    expect(ID, (struct expectation){.returned = 7});
    assert_int_equal(store_walk_actions(store, &walk, count_action, &count, NULL), 0);
    assert_int_equal(count, ARRAY_SIZE(ids));
}

static void test_a_vm_that_goes_leaves_its_record(void **state)
{
    nsec_t now = time_boottime();

    footprint_history_add(&vm->measured.history, now - 2 * NSEC_PER_SEC, 500 * MIB);
    tell_guest_action(ID);
    vm_remove(vm);
    recorder_tick(&recorder, now + 40 * NSEC_PER_SEC, time_realtime());
    assert_int_equal(recorder.track_count, 0);
    expect(ID, (struct expectation){.phases = {BEFORE, DURING}});
    expect_unmeasured("was gone");
}

/* The guest's message is not held up by what its record costs. */
static void test_a_report_waits_for_the_tick(void **state)
{
    Vmreclaim__Agent__V1__ActionResult result = VMRECLAIM__AGENT__V1__ACTION_RESULT__INIT;
    const struct vm_event event = {
        .vm = vm, .kind = VM_EVENT_GUEST_ACTION, .guest_action = &result};
    nsec_t now = time_boottime();

    footprint_history_add(&vm->measured.history, now - 2 * NSEC_PER_SEC, 500 * MIB);
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

/* Its record was closed at once, because nothing could be measured: it is the operator's still. */
static void test_an_operators_action_that_comes_back_late(void **state)
{
    Vmreclaim__Agent__V1__ActionResult result = VMRECLAIM__AGENT__V1__ACTION_RESULT__INIT;
    Action action = VMRECLAIM__CONTROLLER__V1__ACTION__INIT;
    struct all all;

    action.id = (char *)ID;
    action.vm = (char *)"web1";
    action.asked_by = (char *)"root";
    begin_action(&action);
    end_action_without_figures(&action);
    recorder_tick(&recorder, time_boottime(), time_realtime());
    assert_int_equal(recorder.track_count, 0);
    result.action_id = (char *)ID;
    supervisor_emit(&supervisor, &(struct vm_event){.vm = vm,
                                                    .kind = VM_EVENT_GUEST_ACTION,
                                                    .text = "",
                                                    .guest_action = &result});
    recorder_tick(&recorder, time_boottime(), time_realtime());
    all = read_all();
    assert_int_equal(all.count, 1);
    assert_true(all.actions[0].finished);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_recorder(test_a_hypervisors_heap_is_not_the_guests),
        with_recorder(test_a_guests_own_action_is_closed_when_it_has_settled),
        with_recorder(test_steps_divide_what_came_back),
        with_recorder(test_steps_that_freed_nothing),
        with_recorder(test_the_drift_is_taken_off_a_run),
        with_recorder(test_a_run_that_goes_on),
        with_recorder(test_an_operators_action_ends_a_run),
        with_recorder(test_a_begin_that_is_not_known),
        with_recorder(test_the_guests_side_before),
        with_recorder(test_a_guest_cannot_write_over_records),
        with_recorder(test_a_vm_that_goes_leaves_its_record),
        with_recorder(test_a_report_waits_for_the_tick),
        with_recorder(test_an_operators_action_that_comes_back_late),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
