/* Clocks, and durations as text. */
#include "common/base/time.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/base/number.h"
#include "common/base/util.h"

static const struct unit {
    const char *suffix;
    nsec_t length;
} units[] = {
    {"d", 86400 * NSEC_PER_SEC},
    {"h", 3600 * NSEC_PER_SEC},
    {"m", 60 * NSEC_PER_SEC},
    {"s", NSEC_PER_SEC},
    {"ms", NSEC_PER_MSEC},
    {"us", NSEC_PER_USEC},
    {"ns", 1},
};

static nsec_t read_clock(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (nsec_t)now.tv_sec * NSEC_PER_SEC + (nsec_t)now.tv_nsec;
}

nsec_t time_boottime(void)
{
    return read_clock(CLOCK_BOOTTIME);
}

nsec_t time_monotonic(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

nsec_t time_of_thread(void)
{
    return read_clock(CLOCK_THREAD_CPUTIME_ID);
}

int64_t time_realtime(void)
{
    return (int64_t)read_clock(CLOCK_REALTIME);
}

int64_t time_realtime_after(int64_t time, nsec_t duration)
{
    return time_realtime_between(time, INT64_MAX) < duration ? INT64_MAX
                                                             : (int64_t)((nsec_t)time + duration);
}

int64_t time_realtime_before(int64_t time, nsec_t duration)
{
    return time_realtime_between(INT64_MIN, time) < duration ? INT64_MIN
                                                             : (int64_t)((nsec_t)time - duration);
}

int64_t time_realtime_of_seconds(int64_t seconds)
{
    int64_t time;

    if (__builtin_mul_overflow(seconds, (int64_t)NSEC_PER_SEC, &time))
        return seconds < 0 ? INT64_MIN : INT64_MAX;
    return time;
}

nsec_t time_realtime_between(int64_t from, int64_t until)
{
    return until > from ? (nsec_t)until - (nsec_t)from : 0;
}

static const struct unit *find_unit(const char *text, size_t length)
{
    for (size_t i = 0; i < ARRAY_SIZE(units); i++)
        if (strlen(units[i].suffix) == length && memcmp(units[i].suffix, text, length) == 0)
            return &units[i];
    return NULL;
}

int time_parse_duration(const char *text, nsec_t *ret_duration)
{
    nsec_t sum = 0;

    if (strcmp(text, "0") == 0) {
        *ret_duration = 0;
        return 0;
    }
    if (*text == '\0')
        return -EINVAL;
    while (*text != '\0') {
        const struct unit *unit;
        uint64_t count;
        nsec_t part;
        size_t length;
        int r = number_scan(&text, &count);
        if (r < 0)
            return r;
        length = strcspn(text, "0123456789");
        unit = find_unit(text, length);
        if (unit == NULL)
            return -EINVAL;
        if (__builtin_mul_overflow(count, unit->length, &part) ||
            __builtin_add_overflow(sum, part, &sum))
            return -ERANGE;
        text += length;
    }
    *ret_duration = sum;
    return 0;
}

const char *time_format_duration(nsec_t duration, char *buffer, size_t size)
{
    size_t used = 0;

    snprintf(buffer, size, "0");
    for (size_t i = 0; i < ARRAY_SIZE(units) && used < size; i++) {
        nsec_t count = duration / units[i].length;
        if (count == 0)
            continue;
        duration %= units[i].length;
        used +=
            (size_t)snprintf(buffer + used, size - used, "%" PRIu64 "%s", count, units[i].suffix);
    }
    return buffer;
}

const char *time_format_utc(int64_t time, char *buffer, size_t size)
{
    time_t seconds = (time_t)(time / (int64_t)NSEC_PER_SEC);
    struct tm parts;

    if (gmtime_r(&seconds, &parts) == NULL ||
        strftime(buffer, size, "%Y-%m-%d %H:%M:%S UTC", &parts) == 0)
        snprintf(buffer, size, "%" PRIi64 " ns after 1970", time);
    return buffer;
}
