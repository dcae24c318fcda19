/* Going on with records after a restart. What is asked first is answered first, so no record of the
 * new daemon is taken for one of the old. */
#include "controller/records/resume.h"

#include "common/base/number.h"
#include "controller/records/again.h"
#include "controller/records/guest-actions.h"
#include "controller/records/tracks.h"
#include "controller/store/requests.h"

#define RESUME_SPAN (TRACK_LATER + 3600 * NSEC_PER_SEC) /* no action takes longer than an hour */
#define GAP_MAX     (60 * NSEC_PER_SEC) /* a guest's action settles on after so long */

typedef Vmreclaim__Controller__V1__Action Action;

/* Since its end, by the clock that nobody sets; by wall time only in a record of before.
 * NSEC_INFINITY: of an earlier boot, or of the future. */
static nsec_t age_of(const struct recorder *recorder, const Action *action)
{
    int64_t now = time_realtime();
    nsec_t passed;

    if (!record_is_of_this_boot(recorder->supervisor, action))
        return NSEC_INFINITY;
    if (action->started_boottime_ns != 0)
        passed = saturating_subtract(time_boottime(), action->started_boottime_ns);
    else if (action->started_ns <= now)
        passed = time_realtime_between(action->started_ns, now);
    else
        return NSEC_INFINITY;
    return saturating_subtract(passed, action->duration_ns);
}

/* A track that has what the record has; NULL: there is no room. */
static struct track *track_of(struct recorder *recorder, const Action *action)
{
    struct track *track = tracks_begin(recorder, action->id, action->vm, 0);

    if (track == NULL || track_take_record(track, action) == 0)
        return track;
    tracks_end(recorder, track);
    return NULL;
}

/* ---- what waits for its later check ---- */

static bool is_waiting(const Action *action)
{
    return action->finished && !action->checked_again && action->footprint_before != 0;
}

static void resume_waiting(struct recorder *recorder, const Action *action)
{
    nsec_t age = age_of(recorder, action);
    struct track *track = age > TRACK_LATER ? NULL : track_of(recorder, action);

    if (track == NULL)
        return;
    track->due = time_boottime() + (TRACK_LATER - age);
    track_move(track, TRACK_WAITING);
}

static void on_waiting(const struct store_records *records, void *userdata)
{
    for (size_t i = 0; i < records->count; i++)
        resume_waiting(userdata, records->actions[i]);
}

/* ---- what was under way ---- */

static bool is_unfinished(const Action *action)
{
    return !action->finished;
}

static void close_interrupted(struct recorder *recorder, Action *action)
{
    tracks_store_unmeasured(recorder, NULL, action,
                            "interrupted: vmreclaimd ended while this was under way; what came "
                            "back is not known");
}

/* A guest's action settles on. An ordered one has lost who followed it. */
static void resume_unfinished(struct recorder *recorder, Action *action)
{
    struct track *track;

    if (action->guest == NULL || action->n_samples == 0 || age_of(recorder, action) > GAP_MAX) {
        close_interrupted(recorder, action);
        return;
    }
    track = track_of(recorder, action);
    if (track != NULL)
        guest_action_resume(recorder, track, action, time_boottime());
}

static void on_unfinished(const struct store_records *records, void *userdata)
{
    struct recorder *recorder = userdata;
    const struct store_records_query waiting = {
        .since = recorder->resume_since,
        .until = INT64_MAX,
        .limit = RECORDER_TRACKS_MAX,
        .is_wanted = is_waiting,
    };

    for (size_t i = 0; i < records->count; i++) {
        /* Completed by pointers that are not the original's to free. */
        Action lent = *records->actions[i];

        resume_unfinished(recorder, &lent);
    }
    store_ask_records(recorder->store, &waiting, on_waiting, recorder);
}

static void on_newest(const struct store_records *records, void *userdata)
{
    struct recorder *recorder = userdata;
    int64_t newest = records->count == 0 ? 0 : records->actions[0]->started_ns;

    /* One from before the clock was set back is newer than all that came after. */
    recorder->resume_since = time_realtime_before(min_of(newest, time_realtime()), RESUME_SPAN);
    const struct store_records_query unfinished = {
        .since = recorder->resume_since,
        .until = INT64_MAX,
        .is_wanted = is_unfinished,
    };

    store_ask_records(recorder->store, &unfinished, on_unfinished, recorder);
}

void records_resume(struct recorder *recorder)
{
    /* The daemon may have been away for days: what was under way began little before the newest. */
    const struct store_records_query newest = {.until = INT64_MAX, .limit = 1};

    store_ask_records(recorder->store, &newest, on_newest, recorder);
}
