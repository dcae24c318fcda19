/* Records of operators' actions over time, and what a restart makes of all. */
#include "controller/records/again.h"
#include "tests/unit/controller/records/recorder-fixture.h"

#include <string.h>

static void test_an_operators_action_is_checked_again(void **state)
{
    Action action = VMRECLAIM__CONTROLLER__V1__ACTION__INIT;
    nsec_t start = time_boottime();

    action.id = (char *)ID;
    action.vm = (char *)"web1";
    action.kind = (char *)"compact";
    action.started_ns = time_realtime();
    action.footprint_before = vm->measured.host.footprint;
    begin_action(&action);
    set_footprint(200);
    look_at_action();
    action.footprint_after = vm->measured.host.footprint;
    action.host_returned = (int64_t)(300 * MIB);
    end_action(&action);
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
    Action action = VMRECLAIM__CONTROLLER__V1__ACTION__INIT;
    int64_t returned = 0;

    action.id = (char *)ID;
    action.vm = (char *)"web1";
    action.started_ns = time_realtime();
    action.footprint_before = vm->measured.host.footprint;
    begin_action(&action);
    assert_int_equal(record_measure_again(vm, &action, &returned), -ENODATA); /* not yet */
    set_footprint(200);
    action.drift = -200 * (int64_t)MIB;
    action.host_returned = 100 * (int64_t)MIB;
    end_action(&action);
    assert_int_equal(record_measure_again(vm, &action, &returned), 0);
    assert_int_equal(returned, 100 * MIB);
    set_footprint(180);
    recorder_tick(&recorder, time_boottime() + 700 * NSEC_PER_SEC, time_realtime());
    expect(ID, (struct expectation){
                   true, (int64_t)(100 * MIB), (int64_t)(120 * MIB), {BEFORE, AFTER, LATER}});
}

static void finish_action(void)
{
    Action action = VMRECLAIM__CONTROLLER__V1__ACTION__INIT;

    action.id = (char *)ID;
    action.vm = (char *)"web1";
    action.started_ns = time_realtime();
    action.footprint_before = vm->measured.host.footprint;
    begin_action(&action);
    set_footprint(200);
    action.host_returned = (int64_t)(300 * MIB);
    end_action(&action);
}

static void test_a_restart_resumes_what_waits(void **state)
{
    nsec_t start = time_boottime();

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

/* By the wall clock it began `seconds` from now; by the one that nobody sets, now. */
static void finish_action_at(int64_t seconds)
{
    Action action = VMRECLAIM__CONTROLLER__V1__ACTION__INIT;

    action.id = (char *)ID;
    action.vm = (char *)"web1";
    action.started_ns = time_realtime() + seconds * (int64_t)NSEC_PER_SEC;
    action.started_boottime_ns = time_boottime();
    action.hypervisor_pid = 42;
    action.hypervisor_start_time = vm->measured.process.start_time;
    action.footprint_before = vm->measured.host.footprint;
    begin_action(&action);
    set_footprint(200);
    action.host_returned = (int64_t)(300 * MIB);
    end_action(&action);
}

static void test_a_clock_set_over_a_restart(void **state)
{
    static const int64_t sets[] = {-86400, 7200, 0};

    for (size_t i = 0; i < ARRAY_SIZE(sets); i++) {
        finish_action_at(sets[i]);
        restart();
        assert_int_equal(recorder.track_count, 1);
        recorder_tick(&recorder, time_boottime() + 590 * NSEC_PER_SEC, time_realtime());
        assert_int_equal(recorder.track_count, 1);
        recorder_tick(&recorder, time_boottime() + 700 * NSEC_PER_SEC, time_realtime());
        assert_int_equal(recorder.track_count, 0);
        expect(ID, (struct expectation){
                       true, (int64_t)(300 * MIB), (int64_t)(300 * MIB), {BEFORE, AFTER, LATER}});
        set_footprint(500);
    }
}

/* The process is another one, though it is older than the clock says that the action is. */
static void test_another_process_under_a_clock_that_was_set(void **state)
{
    finish_action_at(7200);
    fixture_write(&fixture, "proc/42/stat",
                  "42 (qemu) S 1 42 42 0 -1 4194560 1 0 0 0 5 6 0 0 20 0 3 0 2 1 1\n");
    set_footprint(20);
    recorder_tick(&recorder, time_boottime() + 700 * NSEC_PER_SEC, time_realtime());
    assert_int_equal(recorder.track_count, 0);
    expect(ID, (struct expectation){false, (int64_t)(300 * MIB), 0, {BEFORE, AFTER}});
}

/* Another process holds other memory: no figure is better than a wrong one. */
static void test_another_process_is_not_compared(void **state)
{
    char text[128];

    finish_action();
    snprintf(text, sizeof(text),
             "42 (qemu) S 1 42 42 0 -1 4194560 1 0 0 0 5 6 0 0 20 0 3 0 %llu 1 1\n",
             (unsigned long long)(time_boottime() / NSEC_PER_SEC + 60) *
                 (unsigned long long)sysconf(_SC_CLK_TCK));
    fixture_write(&fixture, "proc/42/stat", text);
    set_footprint(20);
    recorder_tick(&recorder, time_boottime() + 700 * NSEC_PER_SEC, time_realtime());
    assert_int_equal(recorder.track_count, 0);
    expect(ID, (struct expectation){false, (int64_t)(300 * MIB), 0, {BEFORE, AFTER}});
}

/* An operator's action is told its end without a VM: nothing came back that anybody measured. */
static void test_a_vm_that_goes_during_an_operators_action(void **state)
{
    Action action = VMRECLAIM__CONTROLLER__V1__ACTION__INIT;

    action.id = (char *)ID;
    action.vm = (char *)"web1";
    action.footprint_before = 500 * MIB;
    begin_action(&action);
    end_action_without_figures(&action);
    recorder_tick(&recorder, time_boottime(), time_realtime());
    assert_int_equal(recorder.track_count, 0);
    expect_unmeasured("was gone");
}

/* A killed daemon writes nothing more: the next closes what was under way. */
static void test_an_interrupted_action_is_closed(void **state)
{
    Action action = VMRECLAIM__CONTROLLER__V1__ACTION__INIT;

    action.id = (char *)ID;
    action.vm = (char *)"web1";
    action.started_ns = time_realtime() - 86400 * (int64_t)NSEC_PER_SEC; /* and came back late */
    action.footprint_before = 500 * MIB;
    begin_action(&action);
    restart();
    expect_unmeasured("interrupted: vmreclaimd ended");
    assert_int_equal(recorder.track_count, 0);
}

static void test_a_restart_resumes_what_settles(void **state)
{
    nsec_t now = time_boottime();
    struct all all;

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_recorder(test_an_operators_action_is_checked_again),
        with_recorder(test_later_figures_take_the_drift_off),
        with_recorder(test_a_restart_resumes_what_waits),
        with_recorder(test_a_clock_set_over_a_restart),
        with_recorder(test_another_process_under_a_clock_that_was_set),
        with_recorder(test_another_process_is_not_compared),
        with_recorder(test_a_vm_that_goes_during_an_operators_action),
        with_recorder(test_an_interrupted_action_is_closed),
        with_recorder(test_a_restart_resumes_what_settles),
        with_recorder(test_what_settled_long_ago_is_closed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
