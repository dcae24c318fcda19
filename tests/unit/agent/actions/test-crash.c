/* SIGKILL at every point where a setting is half changed: the next start puts everything back.
 *
 * The sources of the actions are built once more for this test, with crash_point() in them. A
 * process runs the scenario and kills itself at the n-th point, for n = 1, 2, ... until it gets to
 * the end; after each the agent "starts again" on what is left. */
#include "tests/lib/test.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/actions/actions.h"
#include "agent/actions/crash.h"
#include "agent/actions/reporting.h"
#include "common/base/number.h"
#include "tests/lib/loop.h"
#include "tests/unit/agent/actions/kernel.h"

#define POINTS_MAX 200

static unsigned points_left; /* 0: none is taken */

void crash_point(void)
{
    if (points_left > 0 && --points_left == 0)
        (void)kill(getpid(), SIGKILL);
}

struct agent {
    uv_loop_t loop;
    struct features features;
    struct settings settings;
    struct reporting reporting;
    struct actions actions;
    bool is_done;
};

static int agent_start(struct agent *agent, const struct fixture *fixture, int state_directory)
{
    int r = settings_init(&agent->settings, fixture->root, state_directory, NULL);

    features_detect(&agent->features, fixture->root);
    features_lose(&agent->features, FEATURE_MEMORY_RECLAIM_SWAPPINESS, "as on Linux 6.1");
    reporting_init(&agent->reporting, &agent->settings, &agent->features, 10);
    (void)uv_loop_init(&agent->loop);
    (void)actions_init(&agent->actions, &agent->loop, fixture->root, &agent->features,
                       &agent->settings);
    return r;
}

static void on_done(const struct action_outcome *outcome, void *userdata)
{
    struct agent *agent = userdata;
    (void)outcome;
    agent->is_done = true;
}

static void run(struct agent *agent, enum action_kind kind)
{
    const struct action_order order = {.kind = kind, .bytes = 1 * MIB};

    agent->is_done = false;
    if (actions_start(&agent->actions, &order, on_done, agent) == 0)
        loop_run_until(&agent->loop, &agent->is_done);
}

/* Everything that changes a setting, in the order of an idle period. */
static _Noreturn void scenario(const struct fixture *fixture, int state_directory, unsigned point)
{
    static struct agent agent;
    uint32_t order;

    points_left = point;
    if (agent_start(&agent, fixture, state_directory) < 0)
        _exit(2);
    run(&agent, ACTION_RECLAIM_CACHE);
    run(&agent, ACTION_COMPACT);
    if (reporting_set_order(&agent.reporting, 5, 0, &order) < 0)
        _exit(3);
    run(&agent, ACTION_KICK_REPORTING);
    if (reporting_set_order(&agent.reporting, 0, 0, &order) < 0)
        _exit(4);
    run(&agent, ACTION_KICK_REPORTING);
    if (reporting_restore(&agent.reporting) < 0 || settings_restore_all(&agent.settings) < 0)
        _exit(5);
    _exit(0);
}

static void expect_restored(const struct fixture *fixture, const struct settings *settings)
{
    static const struct {
        const char *path;
        const char *value;
    } originals[] = {{SWAPPINESS, "60"}, {FRACTION, "0"}, {ORDER, "9"}};

    for (size_t i = 0; i < ARRAY_SIZE(originals); i++) {
        char value[32];
        assert_int_equal(settings_read(settings, originals[i].path, value, sizeof(value)), 0);
        assert_string_equal(value, originals[i].value);
    }
    assert_string_equal(fixture_read(fixture, JOURNAL), "");
}

/* True: the scenario came to its end. `again` is where the next start is killed too, 0: nowhere. */
static bool crash_at(unsigned point, unsigned again)
{
    static struct agent agent;
    struct fixture fixture;
    int state_directory;
    int status;
    pid_t pid;

    kernel_create(&fixture);
    state_directory = openat(fixture.root, "state", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    pid = fork();
    if (pid == 0)
        scenario(&fixture, state_directory, point);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
    if (again > 0 && fixture_read(&fixture, JOURNAL)[0] != '\0') {
        int unused;
        pid = fork();
        if (pid == 0) {
            points_left = again;
            _exit(agent_start(&agent, &fixture, state_directory) < 0);
        }
        assert_int_equal(waitpid(pid, &unused, 0), pid);
    }
    assert_int_equal(agent_start(&agent, &fixture, state_directory), 0);
    expect_restored(&fixture, &agent.settings);
    (void)uv_loop_close(&agent.loop);
    (void)close(state_directory);
    fixture_finish(&fixture);
    return WIFEXITED(status);
}

static void test_killed_at_every_point(void **state)
{
    unsigned point = 1;

    (void)state;
    while (!crash_at(point, 0))
        assert_true(++point < POINTS_MAX);
    print_message("%u crash points\n", point - 1);
    assert_true(point > 30); /* the points are compiled in */
}

/* The start that restores is killed as well, at each of its points. */
static void test_killed_again_while_restoring(void **state)
{
    (void)state;
    for (unsigned point = 1; !crash_at(point, 0); point++)
        for (unsigned again = 1; again <= 6; again++)
            (void)crash_at(point, again);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_killed_at_every_point),
        cmocka_unit_test(test_killed_again_while_restoring),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
