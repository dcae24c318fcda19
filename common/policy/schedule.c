/* Windows of a policy. */
#include "common/policy/schedule.h"

#include <errno.h>
#include <string.h>

#include "common/base/nearest.h"
#include "common/base/text.h"
#include "common/base/util.h"

static const char *const effect_names[SCHEDULE_EFFECT_COUNT] = {
    [SCHEDULE_ALLOW] = "allow",
    [SCHEDULE_FORCE] = "force",
    [SCHEDULE_FORBID] = "forbid",
};

const char *schedule_effect_name(enum schedule_effect effect)
{
    return effect_names[effect];
}

static int parse_effect(const char *text, enum schedule_effect *ret_effect, struct error *error)
{
    struct nearest nearest = {.wanted = text};

    for (unsigned i = 0; i < SCHEDULE_EFFECT_COUNT; i++) {
        if (strcmp(text, effect_names[i]) == 0) {
            *ret_effect = (enum schedule_effect)i;
            return 0;
        }
        nearest_offer(&nearest, effect_names[i]);
    }
    return error_set(error, -EINVAL, "do: '%s' is not one of allow, force, forbid%s%s%s",
                     TEXT_CUT(text, 64), nearest.name != NULL ? "; did you mean '" : "",
                     nearest.name != NULL ? nearest.name : "", nearest.name != NULL ? "'?" : "");
}

static int parse_duration(const char *text, nsec_t *ret_duration, struct error *error)
{
    nsec_t duration;
    int r = time_parse_duration(text, &duration);

    if (r < 0)
        return error_set(error, r, "for: '%s' is not a duration like 30m or 2h", text);
    if (duration < SCHEDULE_DURATION_MIN || duration > SCHEDULE_DURATION_MAX)
        return error_set(error, -ERANGE, "for: '%s' is not in 1m..7d", text);
    *ret_duration = duration;
    return 0;
}

/* A zone's name becomes a path below /usr/share/zoneinfo: nothing in it may lead elsewhere. */
static int check_zone(const char *zone, size_t size, struct error *error)
{
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/_+-";

    if (strlen(zone) >= size)
        return error_set(error, -ERANGE, "zone: longer than %zu characters", size - 1);
    if (zone[0] == '/' || zone[strspn(zone, allowed)] != '\0')
        return error_set(error, -EINVAL, "zone: '%s' is not a name like Europe/Berlin", zone);
    return 0;
}

int schedule_parse(const char *cron, const char *duration, const char *effect, const char *zone,
                   struct schedule *ret_schedule, struct error *error)
{
    struct schedule schedule = {0};

    int r = cron_parse(cron, &schedule.cron, error);
    if (r < 0)
        return r;
    r = parse_duration(duration, &schedule.duration, error);
    if (r < 0)
        return r;
    r = parse_effect(effect, &schedule.effect, error);
    if (r < 0)
        return r;
    if (zone != NULL) {
        r = check_zone(zone, sizeof(schedule.zone), error);
        if (r < 0)
            return r;
        memcpy(schedule.zone, zone, strlen(zone));
    }
    *ret_schedule = schedule;
    return 0;
}

/* Opened in (earliest, latest], UNIX seconds, by clocks at `offset`. */
static bool opened(const struct schedule *schedule, int32_t offset, int64_t earliest,
                   int64_t latest)
{
    int64_t start;

    return earliest < latest &&
           cron_previous(&schedule->cron, latest + offset, earliest + offset, &start);
}

bool schedule_is_open(const struct schedule *schedule, int64_t wall_time)
{
    int64_t earliest = wall_time - (int64_t)(schedule->duration / NSEC_PER_SEC);
    int64_t change = schedule->offset_change;
    int64_t skipped = schedule->offset_after - schedule->utc_offset;

    if (change == 0 || wall_time < change)
        return opened(schedule, schedule->utc_offset, earliest, wall_time);
    if (earliest >= change)
        return opened(schedule, schedule->offset_after, earliest, wall_time);
    return opened(schedule, schedule->utc_offset, earliest, change - 1) ||
           opened(schedule, schedule->offset_after, change - 1 - max_of(skipped, (int64_t)0),
                  wall_time);
}

enum schedule_effect schedule_evaluate(const struct schedule *schedules, size_t count,
                                       int64_t wall_time)
{
    bool open[SCHEDULE_EFFECT_COUNT] = {false};
    bool has_allow = false;

    for (size_t i = 0; i < count; i++) {
        has_allow |= schedules[i].effect == SCHEDULE_ALLOW;
        if (schedule_is_open(&schedules[i], wall_time))
            open[schedules[i].effect] = true;
    }
    if (open[SCHEDULE_FORBID])
        return SCHEDULE_FORBID;
    if (open[SCHEDULE_FORCE])
        return SCHEDULE_FORCE;
    return has_allow && !open[SCHEDULE_ALLOW] ? SCHEDULE_FORBID : SCHEDULE_ALLOW;
}
