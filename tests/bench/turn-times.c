/* How long the turns of a program's loop take it: preloaded, it measures the main thread's
 * processor time from each return of epoll to the next wait. It does not depend on what else the
 * machine does. At SIGTERM's end, p50, p99, p99.9 and the longest in ms go into the file
 * TURN_TIMES; the file's first line is the count. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define STEP_NS 20000
#define STEPS   100000 /* two seconds */

static unsigned turns[STEPS];
static unsigned long count;
static uint64_t begun; /* 0: the first wait is yet to come */
static uint64_t longest;

static uint64_t processor_time(void)
{
    struct timespec time;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

static void end_turn(void)
{
    uint64_t took = processor_time() - begun;
    uint64_t step = took / STEP_NS;

    if (begun == 0)
        return;
    turns[step < STEPS ? step : STEPS - 1]++;
    count++;
    longest = took > longest ? took : longest;
}

int epoll_pwait(int descriptor, struct epoll_event *events, int most, int timeout,
                const sigset_t *mask)
{
    int is_main = getpid() == gettid();
    int r;

    if (is_main)
        end_turn();
    r = (int)syscall(SYS_epoll_pwait, descriptor, events, most, timeout, mask, 8);
    if (is_main)
        begun = processor_time();
    return r;
}

int epoll_wait(int descriptor, struct epoll_event *events, int most, int timeout)
{
    return epoll_pwait(descriptor, events, most, timeout, NULL);
}

static double at(double part)
{
    unsigned long before = 0;
    unsigned i;

    for (i = 0; i < STEPS - 1 && (double)(before + turns[i]) < part * (double)count; i++)
        before += turns[i];
    return (i + 1) * (STEP_NS / 1e6);
}

__attribute__((destructor)) static void report(void)
{
    const char *path = getenv("TURN_TIMES");
    FILE *file = path == NULL || count == 0 ? NULL : fopen(path, "w");

    if (file == NULL)
        return;
    fprintf(file, "%lu %.3f %.3f %.3f %.3f\n", count, at(0.5), at(0.99), at(0.999),
            (double)longest / 1e6);
    (void)fclose(file);
}
