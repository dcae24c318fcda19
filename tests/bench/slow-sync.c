/* A disk that is overloaded: preloaded into a program, fsync and fdatasync take SLOW_SYNC_MS longer
 * there. They still do what they are for. */
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static void wait_for_disk(void)
{
    const char *text = getenv("SLOW_SYNC_MS");
    long milliseconds = text == NULL ? 0 : atol(text);
    struct timespec left = {.tv_sec = milliseconds / 1000,
                            .tv_nsec = milliseconds % 1000 * 1000000};

    while (nanosleep(&left, &left) < 0)
        ;
}

int fsync(int descriptor)
{
    wait_for_disk();
    return (int)syscall(SYS_fsync, descriptor);
}

int fdatasync(int descriptor)
{
    wait_for_disk();
    return (int)syscall(SYS_fdatasync, descriptor);
}
