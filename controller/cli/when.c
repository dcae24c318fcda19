/* Times for people. */
#include "controller/cli/when.h"

#include <stdio.h>
#include <time.h>

#include "common/base/time.h"

/* The formats are this file's own. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
static const char *format_as(const char *format, int64_t time, char *buffer, size_t size)
{
    time_t seconds = (time_t)(time / (int64_t)NSEC_PER_SEC);
    struct tm broken;

    if (time == 0 || localtime_r(&seconds, &broken) == NULL ||
        strftime(buffer, size, format, &broken) == 0)
        snprintf(buffer, size, "-");
    return buffer;
}
#pragma GCC diagnostic pop

const char *when_format(int64_t time, char *buffer, size_t size)
{
    return format_as("%Y-%m-%d %H:%M:%S %z", time, buffer, size);
}

const char *when_format_short(int64_t time, char *buffer, size_t size)
{
    return format_as("%m-%d %H:%M %z", time, buffer, size);
}

const char *when_format_moment(int64_t time, char *buffer, size_t size)
{
    char clock[16];
    char zone[16];

    if (time == 0)
        return format_as("", time, buffer, size);
    snprintf(buffer, size, "%s.%03d %s", format_as("%H:%M:%S", time, clock, sizeof(clock)),
             (int)(time / 1000000 % 1000), format_as("%z", time, zone, sizeof(zone)));
    return buffer;
}
