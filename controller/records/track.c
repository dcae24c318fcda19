/* One action's measurements. */
#include "controller/records/track.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "controller/messages/action.h"
#include "controller/messages/copy.h"
#include "controller/messages/text.h"
#include "controller/messages/vm.h"
#include "controller/records/balloon_reason.h"
#include "controller/records/judge.h"
#include "controller/vms/effective.h"

#define DURING_INTERVAL (5 * NSEC_PER_SEC)

typedef Vmreclaim__Controller__V1__Action Action;
typedef Vmreclaim__Controller__V1__ActionSample ActionSample;

enum { PHASE_DURING = VMRECLAIM__CONTROLLER__V1__ACTION_PHASE__ACTION_PHASE_DURING };

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

ActionSample *track_sample(struct track *track, const struct vm *vm, int phase)
{
    size_t room = phase == PHASE_DURING ? 2 : 0;
    ActionSample *sample;

    if (track->sample_count + room >= TRACK_SAMPLES_MAX)
        return NULL;
    sample = &track->samples[track->sample_count];
    track->sample_pointers[track->sample_count++] = sample;
    action_sample_to_message(vm, phase, sample);
    return sample;
}

void track_sample_during(struct track *track, const struct vm *vm, nsec_t now)
{
    if (track->last_during != 0 && now - track->last_during < DURING_INTERVAL)
        return;
    track->last_during = now;
    (void)track_sample(track, vm, PHASE_DURING);
}

void track_postpone(struct track *track, nsec_t due)
{
    fresh_sample_cancel(&track->sample);
    track->is_asking = false;
    track->due = due;
}

void track_add_sample(struct track *track, const ActionSample *sample)
{
    if (track->sample_count == TRACK_SAMPLES_MAX)
        return;
    track->samples[track->sample_count] = *sample;
    track->samples[track->sample_count].base.n_unknown_fields = 0;
    track->samples[track->sample_count].base.unknown_fields = NULL;
    track->sample_pointers[track->sample_count] = &track->samples[track->sample_count];
    track->sample_count++;
}

static void take_reason(struct track *track, Action *action)
{
    const struct finding *finding = &track->finding;

    action->reason_code = message_text(finding->code);
    action->reason = message_text(finding->sentence);
    evidence_to_messages(finding, &track->evidence);
    action->evidence = track->evidence.pointers;
    action->n_evidence = finding->evidence_count;
}

static void find_reason(struct track *track, const struct supervisor *supervisor, struct vm *vm,
                        Action *action)
{
    Vmreclaim__Agent__V1__GetInfoResponse *info = vm_info_unpack(vm);
    struct vm_message message;
    struct policy policy;
    bool has_policy = vm_effective_policy(vm, &policy);

    vm_to_message(supervisor, vm, true, &message);
    const struct explain_subject subject = {.vm = &message.message,
                                            .info = info,
                                            .policy = has_policy ? &policy : NULL,
                                            .action = action};
    if (balloon_reason_applies(action) ? balloon_reason(&subject, &track->finding)
                                       : explain_action(&subject, &track->finding))
        take_reason(track, action);
    vm_info_free(info);
}

void track_complete(struct track *track, const struct supervisor *supervisor, struct vm *vm,
                    Action *action)
{
    action->samples = track->sample_pointers;
    action->n_samples = track->sample_count;
    judge_action(action);
    if (action->reason[0] == '\0')
        find_reason(track, supervisor, vm, action);
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
