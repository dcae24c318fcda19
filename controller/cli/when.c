/* Times for people. */
#include "controller/cli/when.h"

#include <stdio.h>
#include <time.h>

#include "common/base/time.h"

const char *when_format(int64_t time, char *buffer, size_t size)
{
    time_t seconds = (time_t)(time / (int64_t)NSEC_PER_SEC);
    struct tm broken;

    if (time == 0 || localtime_r(&seconds, &broken) == NULL ||
        strftime(buffer, size, "%Y-%m-%d %H:%M:%S", &broken) == 0)
        (void)snprintf(buffer, size, "-");
    return buffer;
}
