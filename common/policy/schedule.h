/* When a policy may act: windows that open when a cron expression matches the wall time of a zone.
 *
 * Pure: the wall time comes from outside as seconds since the epoch. The controller resolves the
 * zone's offset to UTC and its next change, and sends the policy again after each change. A window
 * is as long as its duration whatever the clocks do meanwhile. One that would open in an hour that
 * the clocks skip opens when they have skipped it. In an hour that comes twice, it opens twice.
 * forbid wins over force, force over allow. With at least one `allow`, idle work is done inside
 * `allow` and `force` windows only; without, always, except in `forbid` windows. */
#ifndef VMRECLAIM_COMMON_POLICY_SCHEDULE_H
#define VMRECLAIM_COMMON_POLICY_SCHEDULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/error.h"
#include "common/base/time.h"
#include "common/policy/cron.h"

enum schedule_effect {
    SCHEDULE_ALLOW,
    SCHEDULE_FORCE, /* act without waiting for idleness; pressure, floors and budget still hold */
    SCHEDULE_FORBID,
    SCHEDULE_EFFECT_COUNT,
};

#define SCHEDULE_DURATION_MIN (60 * NSEC_PER_SEC)
#define SCHEDULE_DURATION_MAX (7 * 86400 * NSEC_PER_SEC)
#define SCHEDULE_OFFSET_MAX   (18 * 3600)

struct schedule {
    struct cron cron;
    nsec_t duration;
    enum schedule_effect effect;
    int32_t utc_offset; /* seconds east of UTC */
    /* From `offset_change` on (UNIX seconds; 0: never) the offset is `offset_after`: so a guest
     * whose controller is away changes to daylight saving time, too. */
    int64_t offset_change;
    int32_t offset_after;
    char zone[40]; /* "Europe/Berlin"; empty: UTC. For the controller, which resolves it */
};

/* -EINVAL/-ERANGE with the field in `error`; `zone` NULL or empty: UTC. */
int schedule_parse(const char *cron, const char *duration, const char *effect, const char *zone,
                   struct schedule *ret_schedule, struct error *error);

const char *schedule_effect_name(enum schedule_effect effect);

/* The window of this schedule is open at `wall_time` (seconds since the epoch, UTC). */
bool schedule_is_open(const struct schedule *schedule, int64_t wall_time);

/* What the open windows say together. */
enum schedule_effect schedule_evaluate(const struct schedule *schedules, size_t count,
                                       int64_t wall_time);

#endif
