/* The list of tracks, and what ends a window. */
#include "controller/records/tracks.h"

#include <assert.h>
#include <string.h>

#include "controller/records/counts.h"

struct track *tracks_find(const struct recorder *recorder, const char *vm, const char *id)
{
    list_for_each (link, &recorder->tracks) {
        struct track *track = list_entry(link, struct track, link);
        if (strcmp(track->id, id) == 0 && strcmp(track->vm, vm) == 0)
            return track;
    }
    return NULL;
}

struct track *tracks_find_state(const struct recorder *recorder, const char *vm,
                                enum track_state state)
{
    list_for_each (link, &recorder->tracks) {
        struct track *track = list_entry(link, struct track, link);
        if (track->state == state && strcmp(track->vm, vm) == 0)
            return track;
    }
    return NULL;
}

struct track *tracks_begin(struct recorder *recorder, const char *id, const char *vm,
                           uint64_t serial)
{
    struct track *track;

    if (recorder->track_count >= RECORDER_TRACKS_MAX || track_create(id, vm, &track) < 0)
        return NULL;
    track->recorder = recorder;
    track->serial = serial;
    list_append(&recorder->tracks, &track->link);
    recorder->track_count++;
    return track;
}

void tracks_rename(struct recorder *recorder, const struct vm *vm)
{
    list_for_each (link, &recorder->tracks) {
        struct track *track = list_entry(link, struct track, link);

        if (track->serial == vm->serial)
            memcpy(track->vm, vm->name, sizeof(track->vm));
    }
}

void tracks_end(struct recorder *recorder, struct track *track)
{
    assert(recorder->track_count > 0 && track->recorder == recorder);
    recorder->track_count--;
    track_destroy(track);
    assert((recorder->track_count == 0) == list_is_empty(&recorder->tracks));
}

void tracks_record(struct recorder *recorder, struct track *track, struct vm *vm,
                   Vmreclaim__Controller__V1__Action *action, nsec_t now)
{
    measures_complete(&track->measures, vm, now, action);
    record_count(recorder, vm, action);
    (void)store_put_action(recorder->store, action);
    track->due = now + TRACK_LATER;
    (void)track_keep(track, action); /* else the one from before is looked at again */
    track_move(track, TRACK_WAITING);
}

void tracks_store_unmeasured(struct recorder *recorder, struct vm *vm,
                             Vmreclaim__Controller__V1__Action *action, const char *why)
{
    measures_forgo(why, action);
    record_count(recorder, vm, action);
    (void)store_put_action(recorder->store, action);
}
