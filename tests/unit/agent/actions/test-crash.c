/* SIGKILL at every point where a setting is half changed: the next start puts everything back.
 *
 * The sources of the actions are built once more for this test, with crash_point() in them. A
 * process runs the scenario and kills itself at the n-th point, for n = 1, 2, ... until it gets to
 * the end; after each the agent "starts again" on what is left. */
#include "tests/lib/test.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/agent/actions/crash-scenario.h"
#include "tests/unit/agent/actions/kernel.h"

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
    static struct crash_agent agent;
    struct fixture fixture;
    int state_directory;
    int status;
    pid_t pid;

    kernel_create(&fixture);
    state_directory = openat(fixture.root, "state", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    pid = fork();
    if (pid == 0)
        crash_scenario(fixture.root, state_directory, point);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
    if (again > 0 && fixture_read(&fixture, JOURNAL)[0] != '\0') {
        int unused;
        pid = fork();
        if (pid == 0) {
            crash_after(again);
            _exit(crash_agent_start(&agent, fixture.root, state_directory) < 0);
        }
        assert_int_equal(waitpid(pid, &unused, 0), pid);
    }
    assert_int_equal(crash_agent_start(&agent, fixture.root, state_directory), 0);
    expect_restored(&fixture, &agent.settings);
    (void)uv_loop_close(&agent.loop);
    close(state_directory);
    fixture_finish(&fixture);
    return WIFEXITED(status);
}

static void test_killed_at_every_point(void **state)
{
    unsigned point = 1;

    while (!crash_at(point, 0))
        assert_true(++point < CRASH_POINTS_MAX);
    print_message("%u crash points\n", point - 1);
    assert_true(point > 30); /* the points are compiled in */
}

/* The start that restores is killed as well, at each of its points. */
static void test_killed_again_while_restoring(void **state)
{
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
