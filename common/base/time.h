/* Time: one type, nanoseconds in a uint64_t. Engines take it as an argument and never read a clock.
 */
#ifndef VMRECLAIM_COMMON_BASE_TIME_H
#define VMRECLAIM_COMMON_BASE_TIME_H

#include <stddef.h>
#include <stdint.h>

typedef uint64_t nsec_t;

#define NSEC_PER_USEC ((nsec_t)1000)
#define NSEC_PER_MSEC ((nsec_t)1000000)
#define NSEC_PER_SEC  ((nsec_t)1000000000)
#define NSEC_INFINITY UINT64_MAX

/* CLOCK_BOOTTIME: goes on while the machine is suspended, so a gap shows. */
nsec_t time_boottime(void);
/* CLOCK_MONOTONIC: for measuring work. */
nsec_t time_monotonic(void);
/* The processor time of the calling thread. */
nsec_t time_of_thread(void);
/* CLOCK_REALTIME since the epoch: for people and records only. */
int64_t time_realtime(void);

/* Sums that end at the clock's ends instead of beyond them. */
static inline nsec_t time_after(nsec_t time, nsec_t duration)
{
    return time > NSEC_INFINITY - duration ? NSEC_INFINITY : time + duration;
}

/* The same of UNIX times. */
int64_t time_realtime_after(int64_t time, nsec_t duration);
int64_t time_realtime_before(int64_t time, nsec_t duration);

int64_t time_realtime_of_seconds(int64_t seconds);

/* From `from` to `until`; 0 when that is earlier. */
nsec_t time_realtime_between(int64_t from, int64_t until);

/* "500ms", "90s", "2m", "1h30m", "1d"; a bare "0" too. -EINVAL: not a duration, -ERANGE: too large.
 */
int time_parse_duration(const char *text, nsec_t *ret_duration);

/* The inverse, exact: the shortest text that parses back to `duration`. `size` >= 48 always fits.
 */
const char *time_format_duration(nsec_t duration, char *buffer, size_t size);

/* A moment, for sentences: "2026-11-29 09:05:00 UTC". `size` >= TIME_UTC_SIZE always fits. */
#define TIME_UTC_SIZE 64
const char *time_format_utc(int64_t time, char *buffer, size_t size);

#endif
