/* The killable child: how it ends, and what it does not take along. */
#include "tests/lib/test.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/actions/child.h"
#include "tests/lib/loop.h"

static uv_loop_t loop;
static struct child child;
static struct child_result result;
static bool is_done;

static int setup(void **state)
{
    is_done = false;
    return uv_loop_init(&loop);
}

static int teardown(void **state)
{
    loop_finish(&loop);
    return 0;
}

static void on_done(struct child *ended, const struct child_result *how)
{
    assert_ptr_equal(ended, &child);
    assert_false(is_done);
    result = *how;
    is_done = true;
}

static void run(child_work work, void *context, int keep, nsec_t limit)
{
    is_done = false;
    assert_int_equal(child_start(&child, &loop, work, context, keep, limit, on_done), 0);
    loop_run_until(&loop, &is_done);
}

static int work_number(const void *context)
{
    return *(const int *)context;
}

static int work_forever(const void *context)
{
    return pause(); /* every signal ends the process */
}

static int work_die(const void *context)
{
    return raise(SIGABRT);
}

static int work_spin(const void *context)
{
    volatile uint64_t sum = 0;

    for (uint64_t i = 0; i < 20 * 1000 * 1000; i++)
        sum += i;
    return sum == 0 ? -EIO : 0;
}

/* 0 when only `keep` of the two is open. */
static int work_look_at_descriptors(const void *context)
{
    const int *descriptors = context;

    if (fcntl(descriptors[0], F_GETFD) < 0)
        return -EBADF;
    return fcntl(descriptors[1], F_GETFD) < 0 ? 0 : -EEXIST;
}

static int work_scheduler(const void *context)
{
    return sched_getscheduler(0);
}

static int work_raise(const void *context)
{
    return raise(SIGTERM);
}

static void on_signal(int number)
{
    _exit(99); /* the parent's handler must not run in the child */
}

static void test_returns(void **state)
{
    int error = 0;

    run(work_number, &error, 0, 0);
    assert_int_equal(result.end, CHILD_RETURNED);
    assert_int_equal(result.error, 0);
    error = -EIO;
    run(work_number, &error, 0, NSEC_PER_SEC * 60);
    assert_int_equal(result.end, CHILD_RETURNED);
    assert_int_equal(result.error, -EIO);
}

static void test_time_limit(void **state)
{
    run(work_forever, NULL, 0, 1);
    assert_int_equal(result.end, CHILD_TIME_LIMIT);
}

/* The limit begins at the start, not when the loop last looked at the clock. */
static void test_time_limit_of_a_loop_that_was_away(void **state)
{
    struct timespec away = {.tv_sec = 3, .tv_nsec = 100 * 1000 * 1000};
    int error = 0;

    uv_update_time(&loop);
    (void)nanosleep(&away, NULL); /* what a slow callback before would do */
    run(work_number, &error, 0, 3 * NSEC_PER_SEC);
    assert_int_equal(result.end, CHILD_RETURNED);
}

static void test_stop(void **state)
{
    assert_int_equal(child_start(&child, &loop, work_forever, NULL, 0, 0, on_done), 0);
    child_stop(&child);
    child_stop(&child);
    loop_run_until(&loop, &is_done);
    assert_int_equal(result.end, CHILD_STOPPED);
    child_stop(&child); /* nothing runs */
}

static void test_killed_by_somebody_else(void **state)
{
    assert_int_equal(child_start(&child, &loop, work_forever, NULL, 0, 0, on_done), 0);
    assert_int_equal(kill(child.pid, SIGKILL), 0);
    loop_run_until(&loop, &is_done);
    assert_int_equal(result.end, CHILD_DIED);
    run(work_die, NULL, 0, 0);
    assert_int_equal(result.end, CHILD_DIED);
}

static void test_cpu_time_is_counted(void **state)
{
    run(work_spin, NULL, 0, 0);
    assert_true(result.cpu > 0);
}

static void test_descriptors_do_not_leak(void **state)
{
    int descriptors[2] = {dup(0), dup(0)};

    run(work_look_at_descriptors, descriptors, descriptors[0], 0);
    assert_int_equal(result.error, 0);
    close(descriptors[0]);
    close(descriptors[1]);
}

static void test_it_steps_back(void **state)
{
    run(work_scheduler, NULL, 0, 0);
    assert_int_equal(result.error, SCHED_IDLE);
}

static void test_handlers_of_the_parent_do_not_run(void **state)
{
    sigset_t before;
    sigset_t after;

    sigprocmask(SIG_SETMASK, NULL, &before);
    signal(SIGTERM, on_signal);
    run(work_raise, NULL, 0, 0);
    signal(SIGTERM, SIG_DFL);
    assert_int_equal(result.end, CHILD_DIED);
    sigprocmask(SIG_SETMASK, NULL, &after);
    assert_int_equal(sigismember(&before, SIGTERM), sigismember(&after, SIGTERM));
}

/* A parent killed with SIGKILL takes its child along. The grandchild is reaped here. */
static void test_it_dies_with_its_parent(void **state)
{
    pid_t grandchild;
    int ends[2];
    int status;
    pid_t parent;

    if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0) {
        printf("skipped: user-mode emulation has no subreaper\n");
        skip();
    }
    assert_int_equal(pipe(ends), 0);
    parent = fork();
    if (parent == 0) {
        uv_loop_t own;
        if (uv_loop_init(&own) != 0 ||
            child_start(&child, &own, work_forever, NULL, 0, 0, on_done) != 0 ||
            write(ends[1], &child.pid, sizeof(child.pid)) != sizeof(child.pid))
            _exit(1);
        for (;;)
            (void)pause();
    }
    assert_int_equal(read(ends[0], &grandchild, sizeof(grandchild)), sizeof(grandchild));
    assert_int_equal(kill(parent, SIGKILL), 0);
    assert_int_equal(waitpid(parent, &status, 0), parent);
    assert_int_equal(waitpid(grandchild, &status, 0), grandchild);
    assert_false(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    close(ends[0]);
    close(ends[1]);
}

#define with_loop(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_loop(test_returns),
        with_loop(test_time_limit),
        with_loop(test_time_limit_of_a_loop_that_was_away),
        with_loop(test_stop),
        with_loop(test_killed_by_somebody_else),
        with_loop(test_cpu_time_is_counted),
        with_loop(test_descriptors_do_not_leak),
        with_loop(test_it_steps_back),
        with_loop(test_handlers_of_the_parent_do_not_run),
        cmocka_unit_test(test_it_dies_with_its_parent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
