/* Going on with records after a restart. What is asked first is answered first, so no record of the
 * new daemon is taken for one of the old. */
#include "controller/records/resume.h"

#include "controller/records/guest-actions.h"
#include "controller/records/tracks.h"
#include "controller/store/requests.h"

#define RESUME_SPAN (TRACK_LATER + 3600 * NSEC_PER_SEC) /* no action takes longer than an hour */
#define GAP_MAX     (60 * (int64_t)NSEC_PER_SEC) /* a guest's action settles on after so long */

typedef Vmreclaim__Controller__V1__Action Action;

static int64_t age_of(const Action *action)
{
    return time_realtime() - (action->started_ns + (int64_t)action->duration_ns);
}

/* A track that has what the record has; NULL: there is no room. */
static struct track *track_of(struct recorder *recorder, const Action *action)
{
    struct track *track = tracks_begin(recorder, action->id, action->vm);

    if (track == NULL || track_take_record(track, action) == 0)
        return track;
    tracks_end(recorder, track);
    return NULL;
}

/* ---- what waits for its later check ---- */

static bool is_waiting(const Action *action)
{
    int64_t age = age_of(action);

    return action->finished && !action->checked_again && action->footprint_before != 0 &&
           age >= 0 && age <= (int64_t)TRACK_LATER;
}

static void resume_waiting(struct recorder *recorder, const Action *action)
{
    struct track *track = track_of(recorder, action);

    if (track == NULL)
        return;
    track->due = time_boottime() + (TRACK_LATER - (nsec_t)max_of(age_of(action), (int64_t)0));
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
    tracks_store_unmeasured(recorder, action,
                            "interrupted: vmreclaimd ended while this was under way; what came "
                            "back is not known");
}

/* A guest's action settles on. An ordered one has lost who followed it. */
static void resume_unfinished(struct recorder *recorder, Action *action)
{
    int64_t age = age_of(action);
    struct track *track;

    if (action->guest == NULL || action->n_samples == 0 || age < 0 || age > GAP_MAX) {
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
        .since = time_realtime() - (int64_t)RESUME_SPAN,
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
    const struct store_records_query unfinished = {
        .since = newest - (int64_t)RESUME_SPAN,
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
