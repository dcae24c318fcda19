/* One action's measurements. */
#include "controller/records/track.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
    vmreclaim__controller__v1__action_sample__init(sample);
    sample->phase = (Vmreclaim__Controller__V1__ActionPhase)phase;
    sample->time_ns = vm->measured.time;
    sample->footprint = vm->measured.waterfall.footprint;
    sample->swapped = vm->measured.waterfall.swapped;
    sample->guest_is_known = vm->measured.waterfall.guest_is_known;
    sample->guest_free = vm->measured.guest.free;
    sample->reported = vm->measured.waterfall.reported;
    sample->reportable = vm->measured.waterfall.reportable;
    sample->held_back = vm->measured.waterfall.held_back;
    sample->trapped = vm->measured.waterfall.trapped;
    sample->percpu = vm->measured.waterfall.percpu;
    sample->cache = vm->measured.waterfall.cache;
    sample->in_use = vm->measured.waterfall.in_use;
    sample->balloon = vm->measured.waterfall.balloon;
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

    action->reason_code = api_text(finding->code);
    action->reason = api_text(finding->sentence);
    action->evidence = track->evidence_pointers;
    action->n_evidence = finding->evidence_count;
    for (size_t i = 0; i < finding->evidence_count; i++) {
        vmreclaim__controller__v1__evidence__init(&track->evidence[i]);
        track->evidence[i].name = api_text(finding->evidence[i].name);
        track->evidence[i].value = finding->evidence[i].value;
        track->evidence[i].unit = api_text(finding->evidence[i].unit);
        track->evidence_pointers[i] = &track->evidence[i];
    }
}

static void find_reason(struct track *track, const struct supervisor *supervisor, struct vm *vm,
                        Action *action)
{
    Vmreclaim__Agent__V1__GetInfoResponse *info = vm_info_unpack(vm);
    Vmreclaim__Controller__V1__Vm message;
    struct api_vm_scratch scratch;
    struct policy policy;
    bool has_policy = vm_effective_policy(vm, &policy);

    api_vm_to_message(supervisor, vm, true, &scratch, &message);
    const struct explain_subject subject = {
        .vm = &message, .info = info, .policy = has_policy ? &policy : NULL, .action = action};
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
    size_t length = vmreclaim__controller__v1__action__get_packed_size(action);
    uint8_t *packed = malloc(length + 1);

    if (packed == NULL)
        return -ENOMEM;
    free(track->packed);
    track->packed = packed;
    track->packed_length = vmreclaim__controller__v1__action__pack(action, packed);
    return 0;
}
