/* The end of a lease by two clocks. */
#include "controller/leases/term.h"

#include <stdio.h>
#include <string.h>

#include "common/base/number.h"
#include "common/base/util.h"

struct lease_moment lease_moment_now(void)
{
    return (struct lease_moment){.now = time_boottime(), .time = time_realtime()};
}

void lease_term_begin(struct lease *lease, nsec_t duration, const struct lease_moment *moment,
                      const char *host_boot_id)
{
    lease->created = moment->time;
    lease->expires = duration == 0 ? 0 : time_realtime_after(moment->time, duration);
    lease->due = duration == 0 ? 0 : time_after(moment->now, duration);
    snprintf(lease->host_boot_id, sizeof(lease->host_boot_id), "%s", host_boot_id);
}

bool lease_is_of_other_boot(const struct lease *lease, const char *host_boot_id)
{
    return lease->host_boot_id[0] != '\0' && host_boot_id[0] != '\0' &&
           strcmp(lease->host_boot_id, host_boot_id) != 0;
}

/* What wall time says is left; not more than there was. */
static nsec_t left_of(const struct lease *lease, int64_t time)
{
    nsec_t duration = time_realtime_between(lease->created, lease->expires);

    return min_of(time_realtime_between(time, lease->expires), duration);
}

void lease_term_resume(struct lease *lease, const struct lease_moment *moment,
                       const char *host_boot_id)
{
    bool is_of_this_boot =
        host_boot_id[0] != '\0' && strcmp(lease->host_boot_id, host_boot_id) == 0;

    if (lease->expires == 0)
        lease->due = 0;
    else if (!is_of_this_boot || lease->due == 0)
        lease->due = time_after(moment->now, left_of(lease, moment->time));
}

bool lease_is_over(const struct lease *lease, nsec_t now)
{
    return lease->due != 0 && lease->due <= now;
}

bool lease_is_due(const struct lease *lease, nsec_t now)
{
    return lease->state != LEASE_HELD || lease_is_over(lease, now);
}

int64_t lease_end_time(const struct lease *lease, const struct lease_moment *moment)
{
    if (lease->due == 0)
        return 0;
    if (lease->due >= moment->now)
        return time_realtime_after(moment->time, lease->due - moment->now);
    return time_realtime_before(moment->time, moment->now - lease->due);
}
