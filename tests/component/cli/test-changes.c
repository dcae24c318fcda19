/* Waiting for something to happen: an event ends it, and so does the end of whoever reads our
 * output; without a daemon it takes as long as it may. A wait of a minute that nothing ends is one
 * that the test's time does not suffice for.
 *
 * usage: test-changes API_SERVER */
#include "controller/cli/changes.h" /* before cmocka, whose macro fail() it would meet */

#include "tests/lib/test.h"

#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define MINUTE (60 * NSEC_PER_SEC)

static const char *program; /* path of the API server */

static struct {
    char directory[64];
    char api[96];
    pid_t process;
    int input; /* it ends with it */
} server;

static int start_server(void **state)
{
    posix_spawn_file_actions_t actions;
    char *arguments[] = {(char *)program, server.api, NULL};
    int input[2];
    int output[2];
    char ready[6];

    snprintf(server.directory, sizeof(server.directory), "/tmp/vmreclaim-test-XXXXXX");
    assert_non_null(mkdtemp(server.directory));
    snprintf(server.api, sizeof(server.api), "unix:%s/api.sock", server.directory);
    assert_int_equal(pipe2(input, O_CLOEXEC) | pipe2(output, O_CLOEXEC), 0);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, input[0], STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, output[1], STDOUT_FILENO);
    assert_int_equal(posix_spawn(&server.process, program, &actions, NULL, arguments, environ), 0);
    posix_spawn_file_actions_destroy(&actions);
    close(input[0]);
    close(output[1]);
    assert_int_equal(read(output[0], ready, sizeof(ready)), sizeof(ready));
    close(output[0]);
    server.input = input[1];
    return 0;
}

static int stop_server(void **state)
{
    close(server.input);
    assert_int_equal(waitpid(server.process, NULL, 0), server.process);
    unlink(server.api + strlen("unix:"));
    rmdir(server.directory);
    return 0;
}

static void test_an_event(void **state)
{
    struct cli cli = {.api = server.api};
    struct changes changes;

    assert_int_equal(changes_start(&changes, &cli), 0);
    assert_true(changes_wait(&changes, 0, MINUTE));
    changes_stop(&changes);
}

/* The server ends the stream after some events. */
static void test_not_too_often(void **state)
{
    struct cli cli = {.api = server.api};
    struct changes changes;
    nsec_t begin = time_monotonic();

    assert_int_equal(changes_start(&changes, &cli), 0);
    assert_true(changes_wait(&changes, 200 * NSEC_PER_MSEC, MINUTE));
    assert_true(time_monotonic() - begin >= 200 * NSEC_PER_MSEC);
    assert_true(changes_wait(&changes, 0, 10 * NSEC_PER_MSEC));
    changes_stop(&changes);
}

static void test_no_daemon(void **state)
{
    struct cli cli = {.api = "unix:/nowhere/api.sock"};
    struct changes changes;

    assert_int_equal(changes_start(&changes, &cli), 0);
    assert_true(changes_wait(&changes, 0, 50 * NSEC_PER_MSEC));
    changes_stop(&changes);
}

/* Stopped while it is not connected yet. */
static void test_an_early_end(void **state)
{
    struct cli cli = {.api = server.api};
    struct changes changes;

    assert_int_equal(changes_start(&changes, &cli), 0);
    changes_stop(&changes);
    assert_null(changes.connection);
}

static void test_nobody_reads(void **state)
{
    struct cli cli = {.api = "unix:/nowhere/api.sock"};
    struct changes changes;
    int saved = dup(STDOUT_FILENO);
    int output[2];
    bool is_read;

    assert_int_equal(pipe2(output, O_CLOEXEC), 0);
    assert_int_equal(changes_start(&changes, &cli), 0);
    (void)fflush(stdout);
    assert_true(dup2(output[1], STDOUT_FILENO) >= 0);
    close(output[0]);
    close(output[1]);
    is_read = changes_wait(&changes, 0, MINUTE);
    assert_true(dup2(saved, STDOUT_FILENO) >= 0);
    close(saved);
    changes_stop(&changes);
    assert_false(is_read);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_event),     cmocka_unit_test(test_not_too_often),
        cmocka_unit_test(test_no_daemon),    cmocka_unit_test(test_an_early_end),
        cmocka_unit_test(test_nobody_reads),
    };

    assert_true(argc == 2);
    program = argv[1];
    return cmocka_run_group_tests(tests, start_server, stop_server);
}
