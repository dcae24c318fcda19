/* A killable child.
 *
 * Theory of operation. The parent forks. The child does its work with one end of a pipe and exits.
 * End of file on the pipe notifies the parent of the exit, whatever the reason. The parent reaps it
 * then, closes its two handles and calls back.
 *
 *     start ─> running ──end of file──> reaped ──handles closed──> done
 *                 └─ time limit or stop: SIGKILL ─┘
 *
 * Failure modes. fork fails when memory is short: nothing was begun then. A child inside the kernel
 * ends when the kernel next looks for a fatal signal. Until then the pipe stays open and the loop
 * goes on. The parent dies: the kernel kills the child. */
#include "agent/actions/child.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/util.h"

#define IOPRIO_WHO_PROCESS 1
#define IOPRIO_IDLE        (3 << 13)

/* The parent's connections must not stay open in the child, or a peer would not see them close. */
static void close_others(int keep, int other)
{
    unsigned low = (unsigned)min_of(keep, other);
    unsigned high = (unsigned)max_of(keep, other);

    if (low > 3)
        (void)close_range(3, low - 1, 0);
    if (high > low + 1)
        (void)close_range(low + 1, high - 1, 0);
    (void)close_range(high + 1, ~0U, 0);
}

/* Out of everybody's way. Each of these may be refused without harm. */
static void step_back(void)
{
    const struct sched_param parameters = {.sched_priority = 0};

    (void)sched_setscheduler(0, SCHED_IDLE, &parameters);
    (void)setpriority(PRIO_PROCESS, 0, 19);
    (void)syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO_IDLE);
}

/* Signals are blocked on entry: the parent's handlers would write to the parent's loop. */
static _Noreturn void run_child(child_work work, const void *context, int keep, int report,
                                pid_t parent)
{
    sigset_t none;
    int error;

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
    for (int number = 1; number < NSIG; number++)
        signal(number, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    close_others(keep, report);
    step_back();
    error = work(context);
    _exit(write(report, &error, sizeof(error)) == (ssize_t)sizeof(error) ? 0 : 1);
}

/* In the parent: pid; never returns in the child. */
static pid_t fork_child(child_work work, const void *context, int keep, int report)
{
    pid_t parent = getpid();
    sigset_t all;
    sigset_t before;
    pid_t pid;

    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    pid = fork();
    if (pid == 0)
        run_child(work, context, keep, report, parent);
    if (pid < 0)
        pid = -errno;
    sigprocmask(SIG_SETMASK, &before, NULL);
    return pid;
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct child *child = handle->data;

    assert(child->open_handles > 0 && child->pid == 0); /* reaped first */
    if (--child->open_handles > 0)
        return;
    close(child->descriptor);
    child->descriptor = -1;
    child->done(child, &child->result);
}

static nsec_t time_of(const struct timeval *value)
{
    return (nsec_t)value->tv_sec * NSEC_PER_SEC + (nsec_t)value->tv_usec * NSEC_PER_USEC;
}

/* The pipe is closed, so the child is past closing its files and as good as gone: waiting for it
 * does not hold the loop. */
static void reap(struct child *child)
{
    bool has_exited = false;
    struct rusage usage;
    int status;
    pid_t pid = -1;

    assert(child->open_handles == 2 && child->pid != 0); /* once */
    while (child->pid > 0 && (pid = wait4(child->pid, &status, 0, &usage)) < 0 && errno == EINTR)
        ;
    if (pid > 0) {
        child->result.cpu = time_of(&usage.ru_utime) + time_of(&usage.ru_stime);
        has_exited = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    }
    if (has_exited)
        child->result.end = CHILD_RETURNED;
    else if (child->result.end == CHILD_RETURNED)
        child->result.end = CHILD_DIED;
    child->pid = 0;
    uv_close((uv_handle_t *)&child->poll, on_handle_closed);
    uv_close((uv_handle_t *)&child->timer, on_handle_closed);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    struct child *child = poll->data;
    int error;
    ssize_t n = read(child->descriptor, &error, sizeof(error));

    if (n == (ssize_t)sizeof(error))
        child->result.error = error;
    else if (n >= 0 || (errno != EAGAIN && errno != EINTR))
        reap(child);
}

static void kill_child(struct child *child, enum child_end end)
{
    if (child->pid <= 0 || child->result.end != CHILD_RETURNED)
        return;
    assert(end == CHILD_TIME_LIMIT || end == CHILD_STOPPED);
    child->result.end = end;
    /* Who is killed needs the processor to die, and an idle class gets none from a guest that
     * works. */
    (void)sched_setscheduler(child->pid, SCHED_OTHER, &(struct sched_param){0});
    (void)setpriority(PRIO_PROCESS, (id_t)child->pid, 0);
    (void)kill(child->pid, SIGKILL);
}

static void on_time_limit(uv_timer_t *timer)
{
    kill_child(timer->data, CHILD_TIME_LIMIT);
}

void child_stop(struct child *child)
{
    kill_child(child, CHILD_STOPPED);
}

int child_start(struct child *child, uv_loop_t *loop, child_work work, const void *context,
                int keep, nsec_t time_limit, child_done done)
{
    int ends[2];
    int r;

    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
        return -errno;
    memset(child, 0, sizeof(*child));
    child->descriptor = ends[0];
    child->done = done;
    child->poll.data = child;
    child->timer.data = child;
    r = uv_poll_init(loop, &child->poll, ends[0]);
    if (r < 0) {
        close(ends[0]);
        close(ends[1]);
        return r;
    }
    uv_timer_init(loop, &child->timer);
    child->open_handles = 2;
    child->pid = fork_child(work, context, keep, ends[1]);
    close(ends[1]);
    if (child->pid < 0)
        child->result.error = child->pid;
    (void)uv_poll_start(&child->poll, UV_READABLE, on_readable);
    uv_update_time(loop); /* or the limit would begin when the loop last woke */
    if (time_limit > 0)
        uv_timer_start(&child->timer, on_time_limit, time_limit / NSEC_PER_MSEC + 1, 0);
    return 0;
}
