/* One action's measurements. */
#include "controller/actions/measures.h"

#include <assert.h>

#include "controller/actions/balloon-reason.h"
#include "controller/actions/judge.h"
#include "controller/messages/action.h"
#include "controller/messages/text.h"
#include "controller/messages/vm.h"
#include "controller/policies/effective.h"
#include "controller/vms/measured.h"

#define DURING_INTERVAL (5 * NSEC_PER_SEC)

enum {
    PHASE_DURING = VMRECLAIM__CONTROLLER__V1__ACTION_PHASE__ACTION_PHASE_DURING,
    PHASE_AFTER = VMRECLAIM__CONTROLLER__V1__ACTION_PHASE__ACTION_PHASE_AFTER,
};

typedef Vmreclaim__Controller__V1__Action Action;
typedef Vmreclaim__Controller__V1__ActionSample ActionSample;

static ActionSample *next_sample(struct action_measures *measures)
{
    ActionSample *sample = &measures->samples[measures->count];

    assert(measures->count < MEASURES_MAX);
    measures->pointers[measures->count++] = sample;
    return sample;
}

ActionSample *measures_take(struct action_measures *measures, const struct vm *vm, int phase)
{
    size_t room = phase == PHASE_DURING ? 2 : 0;
    ActionSample *sample;

    if (measures->count + room >= MEASURES_MAX)
        return NULL;
    sample = next_sample(measures);
    action_sample_to_message(vm, phase, sample);
    return sample;
}

void measures_take_during(struct action_measures *measures, const struct vm *vm, nsec_t now)
{
    if (measures->last_during != 0 && now - measures->last_during < DURING_INTERVAL)
        return;
    measures->last_during = now;
    (void)measures_take(measures, vm, PHASE_DURING);
}

void measures_add(struct action_measures *measures, const ActionSample *sample)
{
    ActionSample *copy;

    if (measures->count == MEASURES_MAX)
        return;
    copy = next_sample(measures);
    *copy = *sample;
    copy->base.n_unknown_fields = 0;
    copy->base.unknown_fields = NULL;
}

/* ---- the end ---- */

static void take_reason(struct action_measures *measures, Action *record)
{
    const struct finding *finding = &measures->finding;

    record->reason_code = message_text(finding->code);
    record->reason = message_text(finding->sentence);
    evidence_to_messages(finding, &measures->evidence);
    record->evidence = measures->evidence.pointers;
    record->n_evidence = finding->evidence_count;
}

static void find_reason(struct action_measures *measures, struct vm *vm, Action *record)
{
    Vmreclaim__Agent__V1__GetInfoResponse *info = vm_info_unpack(vm);
    struct vm_message message;
    struct policy policy;
    bool has_policy = vm_effective_policy(vm, &policy);

    vm_to_message(vm->supervisor, vm, true, &message);
    const struct explain_subject subject = {.vm = &message.message,
                                            .info = info,
                                            .policy = has_policy ? &policy : NULL,
                                            .action = record};
    if (balloon_reason_applies(record) ? balloon_reason(&subject, &measures->finding)
                                       : explain_action(&subject, &measures->finding))
        take_reason(measures, record);
    vm_info_free(info);
}

void measures_complete(struct action_measures *measures, struct vm *vm, nsec_t now, Action *record)
{
    assert(record->finished);
    (void)measures_take(measures, vm, PHASE_AFTER);
    measured_claim(vm, now);
    record->samples = measures->pointers;
    record->n_samples = measures->count;
    judge_action(record);
    if (record->reason[0] == '\0')
        find_reason(measures, vm, record);
}

void measures_forgo(const char *why, Action *record)
{
    record->reason = message_text(why);
    record->finished = true;
    record->footprint_before = 0;
    record->footprint_after = 0;
    record->drift = 0;
    record->host_returned = 0;
    judge_action(record);
    assert(record->guest_reported == 0 || record->n_samples > 0);
}
