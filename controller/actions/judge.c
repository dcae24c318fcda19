/* Confidence in an action's figures. */
#include "controller/actions/judge.h"

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/number.h"
#include "common/base/time.h"
#include "common/base/util.h"
#include "controller/messages/text.h"
#include "controller/telemetry/totals.h"

#define BEGIN_SLACK (5 * (int64_t)NSEC_PER_SEC) /* a footprint from before the begin */

typedef Vmreclaim__Controller__V1__Action Action;
typedef Vmreclaim__Controller__V1__ActionSample ActionSample;

const ActionSample *judge_sample(const Action *action, int phase)
{
    for (size_t i = 0; i < action->n_samples; i++)
        if ((int)action->samples[i]->phase == phase)
            return action->samples[i];
    return NULL;
}

static uint64_t magnitude(int64_t value)
{
    return value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
}

/* What measuring can miss of a change of this size. */
static uint64_t tolerance(uint64_t bytes)
{
    return max_of(32 * MIB, bytes / 10);
}

int64_t judge_share(const Action *action, int64_t bytes)
{
    if (action->share_of == 0)
        return bytes;
    return (int64_t)((double)bytes * (double)action->share / (double)action->share_of);
}

/* What fell, all of it this action's or its share. */
static int64_t fall_of(const Action *action, uint64_t footprint)
{
    return judge_share(action, (int64_t)(action->footprint_before - footprint));
}

int64_t judge_drift(const Action *action, uint64_t footprint)
{
    int64_t fell = max_of(fall_of(action, footprint), (int64_t)0);

    return max_of(action->drift, -fell);
}

int64_t judge_returned(const Action *action, uint64_t footprint)
{
    return fall_of(action, footprint) + judge_drift(action, footprint);
}

/* Whether the host's figure is the action's alone, from the moment when it began. */
static bool is_exact(const Action *action, const ActionSample *before)
{
    return action->share_of == 0 &&
           (before == NULL || action->started_ns - before->time_ns <= BEGIN_SLACK);
}

static int confidence_of(const Action *action, bool guest_is_known, bool is_exact)
{
    uint64_t returned = magnitude(action->host_returned);
    uint64_t reported = magnitude(action->guest_reported);

    if (action->footprint_before == 0 || magnitude(action->drift) > tolerance(returned))
        return VMRECLAIM__CONTROLLER__V1__CONFIDENCE__CONFIDENCE_LOW;
    if (guest_is_known && magnitude(action->guest_reported - action->host_returned) >
                              tolerance(max_of(returned, reported)))
        return VMRECLAIM__CONTROLLER__V1__CONFIDENCE__CONFIDENCE_LOW;
    return guest_is_known && is_exact ? VMRECLAIM__CONTROLLER__V1__CONFIDENCE__CONFIDENCE_HIGH
                                      : VMRECLAIM__CONTROLLER__V1__CONFIDENCE__CONFIDENCE_MEDIUM;
}

/* What a sample says is not on the host, by the guest's marks and by the balloon. */
static uint64_t given(const ActionSample *sample)
{
    return sample->reported + sample->balloon;
}

/* Whether the guest's side can confirm the host's. What a deflated balloon gave back is free memory
 * that is not on the host, and no mark shows that. A guest without marks has none before and after.
 */
static bool is_confirming(const ActionSample *before, const ActionSample *after)
{
    return before != NULL && after != NULL && before->guest_is_known && after->guest_is_known &&
           after->balloon >= before->balloon &&
           (before->reported + after->reported > 0 || after->balloon > before->balloon);
}

static const char *outcome_of(const Action *action)
{
    enum total_outcome outcome = action->host_returned > 0 ? TOTAL_RETURNED : TOTAL_NOTHING;

    if (action->footprint_before == 0)
        outcome = TOTAL_UNMEASURED;
    else if (total_kind_of(action->kind) == TOTAL_RELEASE)
        outcome = TOTAL_GIVEN_BACK;
    return total_outcome_names[outcome];
}

void judge_action(Action *action)
{
    const ActionSample *before =
        judge_sample(action, VMRECLAIM__CONTROLLER__V1__ACTION_PHASE__ACTION_PHASE_BEFORE);
    const ActionSample *after =
        judge_sample(action, VMRECLAIM__CONTROLLER__V1__ACTION_PHASE__ACTION_PHASE_AFTER);
    bool known = is_confirming(before, after);

    action->guest_reported_is_known = known;
    action->guest_reported =
        known ? judge_share(action, (int64_t)(given(after) - given(before))) : 0;
    action->confidence = (Vmreclaim__Controller__V1__Confidence)confidence_of(
        action, known, is_exact(action, before));
    if (action->outcome[0] == '\0')
        action->outcome = message_text(outcome_of(action));
    assert(action->confidence != VMRECLAIM__CONTROLLER__V1__CONFIDENCE__CONFIDENCE_UNSPECIFIED);
    assert(action->share_of == 0 || action->share <= action->share_of);
}
