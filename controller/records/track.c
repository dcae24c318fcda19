/* One action's measurements. */
#include "controller/records/track.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/message/copy.h"

#define BIT(state) (1u << (state))

static const unsigned next_states[TRACK_STATE_COUNT] = {
    [TRACK_RUNNING] =
        BIT(TRACK_SETTLING) | BIT(TRACK_FOLLOWING) | BIT(TRACK_WAITING) | BIT(TRACK_OVER),
    [TRACK_SETTLING] = BIT(TRACK_WAITING) | BIT(TRACK_OVER),
    [TRACK_FOLLOWING] = BIT(TRACK_WAITING) | BIT(TRACK_OVER),
    [TRACK_WAITING] = BIT(TRACK_OVER),
    [TRACK_OVER] = 0,
};

typedef Vmreclaim__Controller__V1__Action Action;

int track_create(const char *id, const char *vm, struct track **ret_track)
{
    struct track *track = calloc(1, sizeof(*track));

    if (track == NULL)
        return -ENOMEM;
    list_init(&track->link);
    snprintf(track->id, sizeof(track->id), "%s", id);
    snprintf(track->vm, sizeof(track->vm), "%s", vm);
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

void track_check(const struct track *track)
{
    bool is_kept = track->state != TRACK_RUNNING && track->state != TRACK_OVER;

    assert(track->state < TRACK_STATE_COUNT);
    assert(!is_kept || track->packed != NULL);
    assert((track->packed == NULL) == (track->packed_length == 0));
    assert(track->due != 0 || (track->state != TRACK_SETTLING && track->state != TRACK_WAITING));
    assert(!track->is_asking || track->state == TRACK_SETTLING || track->state == TRACK_WAITING);
    assert(track->is_asking || track->sample.client == NULL);
    assert(track->measures.count <= MEASURES_MAX);
}

void track_move(struct track *track, enum track_state next)
{
    assert((next_states[track->state] & BIT(next)) != 0);
    track->state = next;
    track_check(track);
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
