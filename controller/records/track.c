/* One action's measurements. */
#include "controller/records/track.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "controller/messages/copy.h"

typedef Vmreclaim__Controller__V1__Action Action;

int track_create(const char *id, const char *vm, struct track **ret_track)
{
    struct track *track = calloc(1, sizeof(*track));

    if (track == NULL)
        return -ENOMEM;
    list_init(&track->link);
    (void)snprintf(track->id, sizeof(track->id), "%s", id);
    (void)snprintf(track->vm, sizeof(track->vm), "%s", vm);
    *ret_track = track;
    return 0;
}

void track_destroy(struct track *track)
{
    if (track == NULL)
        return;
    fresh_sample_cancel(&track->sample);
    list_remove(&track->link);
    free(track->packed);
    free(track);
}

void track_postpone(struct track *track, nsec_t due)
{
    fresh_sample_cancel(&track->sample);
    track->is_asking = false;
    track->due = due;
}

int track_keep(struct track *track, const Action *action)
{
    size_t length;
    uint8_t *packed = message_pack(&action->base, &length);

    if (packed == NULL)
        return -ENOMEM;
    free(track->packed);
    track->packed = packed;
    track->packed_length = length;
    return 0;
}

int track_take_record(struct track *track, const Action *action)
{
    for (size_t i = 0; i < action->n_samples && i < MEASURES_MAX - 1; i++)
        measures_add(&track->measures, action->samples[i]);
    return track_keep(track, action);
}
