/* Jobs in their queue, on a kernel of files. */
#include "tests/lib/test.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/actions/runner.h"
#include "tests/lib/loop.h"
#include "tests/unit/agent/actions/kernel.h"

static struct fixture fixture;
static struct features features;
static struct settings settings;
static struct reporting reporting;
static struct sensors sensors;
static struct runner runner;
static uv_loop_t loop;
static int state_directory;

static void on_result(const struct job *job, void *userdata)
{
}

static void on_done(struct job *job)
{
    *(bool *)job->userdata = true;
}

/* A job that waits inside the kernel until it is stopped. */
struct blocked {
    struct job job;
    bool is_done;
};

static void block_compaction(void)
{
    fixture_remove(&fixture, NODE0_COMPACT);
    assert_int_equal(mkfifoat(fixture.root, NODE0_COMPACT, 0600), 0);
}

static int submit(struct blocked *blocked, bool is_of_policy)
{
    *blocked = (struct blocked){.job = {.kind = ACTION_COMPACT,
                                        .is_of_policy = is_of_policy,
                                        .done = on_done,
                                        .userdata = &blocked->is_done}};
    return runner_submit(&runner, &blocked->job);
}

static void run_until_it_runs(const struct blocked *blocked)
{
    while (runner.running != &blocked->job)
        uv_run(&loop, UV_RUN_ONCE);
}

static void expect_end(struct blocked *blocked, enum action_end end, const char *reason)
{
    loop_run_until(&loop, &blocked->is_done);
    assert_int_equal(blocked->job.result, end);
    assert_string_equal(blocked->job.reason, reason);
}

static void on_closed(void *userdata)
{
}

static int setup(void **state)
{
    kernel_create(&fixture);
    state_directory = openat(fixture.root, "state", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(uv_loop_init(&loop), 0);
    assert_int_equal(settings_init(&settings, fixture.root, state_directory, NULL), 0);
    features_detect(&features, fixture.root);
    reporting_init(&reporting, &settings, &features, 10, 9);
    (void)sensors_init(&sensors, fixture.root); /* what cannot be read stays 0 */
    return runner_init(&runner, &loop, fixture.root, &features, &settings, &reporting, &sensors,
                       on_result, NULL);
}

static int teardown(void **state)
{
    if (!runner.is_closing)
        runner_close(&runner, on_closed);
    loop_finish(&loop);
    sensors_finish(&sensors);
    close(state_directory);
    fixture_finish(&fixture);
    return 0;
}

static void expect(enum action_kind kind, bool is_of_policy, uint32_t order, uint32_t in_force)
{
    bool is_done = false;
    struct job job = {.kind = kind,
                      .is_of_policy = is_of_policy,
                      .order = order,
                      .done = on_done,
                      .userdata = &is_done};

    assert_int_equal(runner_submit(&runner, &job), 0);
    loop_run_until(&loop, &is_done);
    assert_int_equal(job.result, ACTION_DONE);
    assert_int_equal(reporting_order(&reporting), in_force);
}

/* Whoever ordered it does not wait any longer: it has no limit of its own, and waited for another.
 */
static void test_a_job_must_be_over(void **state)
{
    struct blocked blocked;

    block_compaction();
    blocked = (struct blocked){
        .job = {.kind = ACTION_COMPACT, .end = 1, .done = on_done, .userdata = &blocked.is_done}};
    assert_int_equal(runner_submit(&runner, &blocked.job), 0);
    expect_end(&blocked, ACTION_TIME_LIMIT, "the time limit was reached");
}

/* A policy's work in between does not undo what an operator ordered. */
static void test_a_policy_puts_back_what_was_in_force(void **state)
{
    expect(ACTION_SET_ORDER, false, 5, 5);
    expect(ACTION_SET_ORDER, true, 0, 0);
    expect(ACTION_RESTORE_ORDER, true, 5, 5);
    expect(ACTION_RESTORE_ORDER, false, 0, 9);
    expect(ACTION_SET_ORDER, true, 0, 0);
    expect(ACTION_RESTORE_ORDER, true, 9, 9);
}

static void test_one_at_a_time_in_their_order(void **state)
{
    struct blocked jobs[3];

    block_compaction();
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(submit(&jobs[i], false), 0);
    run_until_it_runs(&jobs[0]);
    assert_true(runner_is_busy(&runner));
    runner_cancel(&runner, &jobs[1].job); /* waits: it ends at once */
    assert_true(jobs[1].is_done);
    assert_string_equal(jobs[1].job.reason, "cancelled before it began");
    runner_cancel(&runner, &jobs[0].job);
    assert_false(jobs[0].is_done);
    expect_end(&jobs[0], ACTION_CANCELLED, "on request");
    run_until_it_runs(&jobs[2]);
    runner_cancel(&runner, &jobs[2].job);
    expect_end(&jobs[2], ACTION_CANCELLED, "on request");
    assert_false(runner_is_busy(&runner));
}

static void test_an_order_comes_before_the_policy(void **state)
{
    struct blocked policy;
    struct blocked another;

    block_compaction();
    assert_int_equal(submit(&policy, true), 0);
    run_until_it_runs(&policy);
    assert_int_equal(submit(&another, true), -EBUSY);
    expect(ACTION_SET_ORDER, false, 5, 5);
    expect_end(&policy, ACTION_CANCELLED, "on request");
}

static void test_waking_stops_the_policys_job_only(void **state)
{
    struct blocked order;
    struct blocked policy;

    block_compaction();
    assert_int_equal(submit(&policy, true), 0);
    run_until_it_runs(&policy);
    runner_stop_policy(&runner, ACTION_BUSY);
    expect_end(&policy, ACTION_BUSY, "the guest woke up");
    assert_int_equal(submit(&order, false), 0);
    run_until_it_runs(&order);
    runner_stop_policy(&runner, ACTION_BUSY);
    loop_run_turns(&loop, 10);
    assert_false(order.is_done);
    runner_cancel(&runner, &order.job);
    expect_end(&order, ACTION_CANCELLED, "on request");
}

/* Pressure stops every job, and for a while none begins that takes a child. */
static void test_pressure_stops_and_holds(void **state)
{
    struct blocked order;
    struct blocked next;

    block_compaction();
    assert_int_equal(submit(&order, false), 0);
    run_until_it_runs(&order);
    runner_pressure(&runner, time_boottime());
    expect_end(&order, ACTION_PRESSURE, "the guest ran short of memory");
    assert_int_equal(submit(&next, false), 0);
    expect_end(&next, ACTION_PRESSURE, "the guest is short of memory");
    expect(ACTION_SET_ORDER, false, 5, 5);
}

static void test_only_so_many_wait(void **state)
{
    static struct blocked jobs[JOBS_MAX + 1];
    struct blocked running;

    block_compaction();
    assert_int_equal(submit(&running, false), 0);
    run_until_it_runs(&running);
    for (size_t i = 0; i < JOBS_MAX; i++)
        assert_int_equal(submit(&jobs[i], false), 0);
    assert_int_equal(submit(&jobs[JOBS_MAX], false), -EBUSY);
    runner_close(&runner, on_closed); /* all end, those that wait first */
    for (size_t i = 0; i < JOBS_MAX; i++)
        assert_true(jobs[i].is_done);
    assert_int_equal(submit(&jobs[0], false), -EBUSY);
    expect_end(&running, ACTION_CANCELLED, "on request");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_policy_puts_back_what_was_in_force, setup, teardown),
        cmocka_unit_test_setup_teardown(test_one_at_a_time_in_their_order, setup, teardown),
        cmocka_unit_test_setup_teardown(test_an_order_comes_before_the_policy, setup, teardown),
        cmocka_unit_test_setup_teardown(test_waking_stops_the_policys_job_only, setup, teardown),
        cmocka_unit_test_setup_teardown(test_pressure_stops_and_holds, setup, teardown),
        cmocka_unit_test_setup_teardown(test_only_so_many_wait, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_job_must_be_over, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
