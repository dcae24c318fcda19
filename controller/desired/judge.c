/* Judging a desired state by its head. */
#include "controller/desired/judge.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "common/base/text.h"

typedef Vmreclaim__Fleet__V1__Applied Applied;

static int judge_host(const DesiredState *state, const struct fleet_settings *settings,
                      struct error *error)
{
    if (strcmp(state->host, settings->host) != 0)
        return error_set(error, -EPERM,
                         "the desired state is for host '%s', and this one is fleet_host '%s'",
                         TEXT_CUT(state->host, 64), settings->host);
    if (settings->refuses)
        return error_set(error, -EPERM,
                         "this host takes no policies of the fleet: fleet_policies is refuse in "
                         "its vmreclaimd.yaml");
    return 0;
}

static int judge_form(const DesiredState *state, struct error *error)
{
    if (state->generation == 0 || state->issued_ns <= 0 || state->expires_ns <= state->issued_ns)
        return error_set(error, -EPERM,
                         "the desired state has no generation, or no time in which it holds");
    return 0;
}

static bool is_same(const uint8_t digest[DESIRED_DIGEST_SIZE], const Applied *applied)
{
    return applied->digest.len == DESIRED_DIGEST_SIZE &&
           memcmp(applied->digest.data, digest, DESIRED_DIGEST_SIZE) == 0;
}

/* 1: it is the one in force. */
static int judge_generation(const DesiredState *state, const uint8_t digest[DESIRED_DIGEST_SIZE],
                            const Applied *applied, struct error *error)
{
    if (applied == NULL || state->generation > applied->generation)
        return 0;
    if (state->generation < applied->generation)
        return error_set(error, -EPERM,
                         "desired state %" PRIu64 " is older than %" PRIu64
                         ", which this host has taken",
                         state->generation, applied->generation);
    if (!is_same(digest, applied))
        return error_set(error, -EPERM,
                         "this host has taken another desired state %" PRIu64
                         "; what replaces it needs a higher generation",
                         state->generation);
    return 1;
}

static int judge_time(const DesiredState *state, int64_t now, struct error *error)
{
    char then[TIME_UTC_SIZE], here[TIME_UTC_SIZE];

    if (state->issued_ns > time_realtime_after(now, DESIRED_CLOCK_SLACK))
        return error_set(error, -EPERM,
                         "desired state %" PRIu64 " was issued %s, and on this host it is %s: its "
                         "clock is behind; set it",
                         state->generation, time_format_utc(state->issued_ns, then, sizeof(then)),
                         time_format_utc(now, here, sizeof(here)));
    if (state->expires_ns <= now)
        return error_set(error, -EPERM,
                         "desired state %" PRIu64 " was to be taken until %s, and on this host it "
                         "is %s: it came too late, or the clock is ahead; see date(1)",
                         state->generation, time_format_utc(state->expires_ns, then, sizeof(then)),
                         time_format_utc(now, here, sizeof(here)));
    return 0;
}

int desired_judge(const DesiredState *state, const uint8_t digest[DESIRED_DIGEST_SIZE],
                  const struct fleet_settings *settings, const Applied *applied, int64_t now,
                  struct error *error)
{
    int r = judge_host(state, settings, error);

    if (r == 0)
        r = judge_form(state, error);
    if (r == 0)
        r = judge_generation(state, digest, applied, error);
    if (r > 0)
        return judge_time(state, now, NULL) < 0 ? DESIRED_OVER : DESIRED_AGAIN;
    if (r == 0)
        r = judge_time(state, now, error);
    return r < 0 ? r : DESIRED_NEW;
}
