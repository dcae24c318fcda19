/* Preloaded into a program, it has a wall clock of its own: as many seconds ahead of the machine's
 * as the file STEP_CLOCK says, eight bytes in the machine's order, that may change at any time.
 * What waits for a moment of that clock notices a step within 100 ms. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define NSEC_PER_SEC 1000000000L
#define SLICE_NSEC   100000000L
#define ERA          1000000000 /* a clock that is beyond it is a wall clock */

static const volatile int64_t *ahead;

__attribute__((constructor)) static void open_file(void)
{
    const char *path = getenv("STEP_CLOCK");
    int fd = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);
    void *map = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof(int64_t), PROT_READ, MAP_SHARED, fd, 0);

    if (map == MAP_FAILED)
        abort();
    ahead = map;
    (void)close(fd);
}

int clock_gettime(clockid_t clock, struct timespec *ret)
{
    int r = (int)syscall(SYS_clock_gettime, clock, ret);

    if (r == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        ret->tv_sec += (time_t)*ahead;
    return r;
}

int gettimeofday(struct timeval *restrict ret, void *restrict zone)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    *ret = (struct timeval){.tv_sec = now.tv_sec, .tv_usec = now.tv_nsec / 1000};
    return 0;
}

time_t time(time_t *ret)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    if (ret != NULL)
        *ret = now.tv_sec;
    return now.tv_sec;
}

static int has_come(const struct timespec *moment)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec > moment->tv_sec ||
           (now.tv_sec == moment->tv_sec && now.tv_nsec >= moment->tv_nsec);
}

/* As the kernel does where the clock itself is set. */
int pthread_cond_timedwait(pthread_cond_t *restrict condition, pthread_mutex_t *restrict mutex,
                           const struct timespec *restrict moment)
{
    int r = ETIMEDOUT;

    if (moment->tv_sec < ERA)
        return pthread_cond_clockwait(condition, mutex, CLOCK_MONOTONIC, moment);
    while (r == ETIMEDOUT && !has_come(moment)) {
        struct timespec slice;

        (void)clock_gettime(CLOCK_MONOTONIC, &slice);
        slice.tv_nsec += SLICE_NSEC;
        slice.tv_sec += slice.tv_nsec / NSEC_PER_SEC;
        slice.tv_nsec %= NSEC_PER_SEC;
        r = pthread_cond_clockwait(condition, mutex, CLOCK_MONOTONIC, &slice);
    }
    return r;
}
