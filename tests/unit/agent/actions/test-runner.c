/* Jobs that change the reporting order, on a kernel of files. */
#include "tests/lib/test.h"

#include <fcntl.h>
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
    runner_close(&runner, on_closed);
    loop_finish(&loop);
    sensors_finish(&sensors);
    (void)close(state_directory);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_policy_puts_back_what_was_in_force, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
