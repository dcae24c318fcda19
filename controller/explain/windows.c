/* Windows by bisection. A schedule with duration D answers whether there was an opening in the last
 * D seconds. As D grows, the answer only ever turns from no to yes. */
#include "controller/explain/windows.h"

#include <stdio.h>
#include <time.h>

#include "common/base/util.h"

#define HORIZON (366 * (int64_t)86400)

enum { EXTENSIONS_MAX = 64 };

/* Whether a window opens in (from, to]. */
static bool opens_between(const struct schedule *schedule, int64_t from, int64_t to)
{
    struct schedule span = *schedule;

    span.duration = (nsec_t)(to - from) * NSEC_PER_SEC;
    return to > from && schedule_is_open(&span, to);
}

/* The second nearest to `from`, ahead or back, so that a window opens between the two. Between
 * `from` and `far` one does. */
static int64_t bisect(const struct schedule *schedule, int64_t from, int64_t far)
{
    int64_t near = from;

    while (far - near > 1 || near - far > 1) {
        int64_t middle = near + (far - near) / 2;

        if (opens_between(schedule, min_of(from, middle), max_of(from, middle)))
            far = middle;
        else
            near = middle;
    }
    return far;
}

int64_t window_next_opening(const struct schedule *schedule, int64_t now)
{
    return opens_between(schedule, now, now + HORIZON) ? bisect(schedule, now, now + HORIZON) : 0;
}

int64_t window_closing(const struct schedule *schedule, int64_t now)
{
    int64_t length = (int64_t)(schedule->duration / NSEC_PER_SEC);
    int64_t closing = now;

    for (int i = 0; i < EXTENSIONS_MAX; i++) {
        if (!opens_between(schedule, closing - length, closing))
            return i == 0 ? 0 : closing;
        closing = bisect(schedule, closing, closing - length) + 1 + length;
    }
    return 0;
}

const char *window_format_time(const struct schedule *schedule, int64_t time, char *buffer,
                               size_t size)
{
    bool is_changed = schedule->offset_change != 0 && time >= schedule->offset_change;
    time_t local = (time_t)(time + (is_changed ? schedule->offset_after : schedule->utc_offset));
    struct tm parts;
    char text[24] = "";

    if (gmtime_r(&local, &parts) != NULL)
        (void)strftime(text, sizeof(text), "%a %H:%M", &parts);
    snprintf(buffer, size, "%s %s", text, schedule->zone[0] == '\0' ? "UTC" : schedule->zone);
    return buffer;
}
