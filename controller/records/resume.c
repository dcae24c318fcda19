/* Going on with records after a restart. They are read first and written afterwards: a walk over
 * the store does not change it. */
#include "controller/records/resume.h"

#include "controller/records/guest_actions.h"
#include "controller/records/tracks.h"

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

/* Records that wait for their later check. */
static int resume_waiting(const Action *action, void *userdata)
{
    int64_t age = age_of(action);
    struct track *track;

    if (!action->finished || action->checked_again || action->footprint_before == 0 || age < 0 ||
        age > (int64_t)TRACK_LATER)
        return 0;
    track = track_of(userdata, action);
    if (track == NULL)
        return 0;
    track->state = TRACK_WAITING;
    track->due = time_boottime() + (TRACK_LATER - (nsec_t)age);
    return 0;
}

/* Records of what was under way. An operator's action has lost who followed it. */
static int resume_unfinished(const Action *action, void *userdata)
{
    int64_t age = age_of(action);
    struct track *track;

    if (action->finished)
        return 0;
    track = track_of(userdata, action);
    if (track == NULL)
        return 0;
    if (action->guest == NULL || action->n_samples == 0 || age < 0 || age > GAP_MAX)
        track->state = TRACK_OVER;
    else
        guest_action_resume(userdata, track, action, time_boottime());
    return 0;
}

static void close_interrupted(struct recorder *recorder, struct track *track)
{
    Action *action =
        vmreclaim__controller__v1__action__unpack(NULL, track->packed_length, track->packed);

    if (action != NULL) {
        Action lent = *action;
        tracks_store_unmeasured(recorder, &lent,
                                "interrupted: vmreclaimd ended while this was under way; what came "
                                "back is not known");
        vmreclaim__controller__v1__action__free_unpacked(action, NULL);
    }
    tracks_end(recorder, track);
}

static int note_start(const Action *action, void *userdata)
{
    int64_t *start = userdata;

    *start = action->started_ns;
    return 0;
}

void records_resume(struct recorder *recorder)
{
    int64_t newest = 0;

    /* The daemon may have been away for days: what was under way began little before the newest. */
    (void)store_actions(recorder->store, NULL, 0, 1, note_start, &newest, NULL);
    (void)store_actions(recorder->store, NULL, newest - (int64_t)RESUME_SPAN, UINT32_MAX,
                        resume_unfinished, recorder, NULL);
    list_for_each_safe (link, following, &recorder->tracks) {
        struct track *track = list_entry(link, struct track, link);
        if (track->state == TRACK_OVER)
            close_interrupted(recorder, track);
    }
    (void)store_actions(recorder->store, NULL, time_realtime() - (int64_t)RESUME_SPAN,
                        RECORDER_TRACKS_MAX, resume_waiting, recorder, NULL);
}
