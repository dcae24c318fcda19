/* Confidence in an action's figures. */
#include "controller/records/judge.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/number.h"
#include "common/base/util.h"

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

static int confidence_of(const Action *action, bool guest_is_known)
{
    uint64_t returned = magnitude(action->host_returned);
    uint64_t reported = magnitude(action->guest_reported);

    if (magnitude(action->drift) > tolerance(returned))
        return VMRECLAIM__CONTROLLER__V1__CONFIDENCE__CONFIDENCE_LOW;
    if (!guest_is_known)
        return VMRECLAIM__CONTROLLER__V1__CONFIDENCE__CONFIDENCE_MEDIUM;
    if (magnitude(action->guest_reported - action->host_returned) >
        tolerance(max_of(returned, reported)))
        return VMRECLAIM__CONTROLLER__V1__CONFIDENCE__CONFIDENCE_LOW;
    return VMRECLAIM__CONTROLLER__V1__CONFIDENCE__CONFIDENCE_HIGH;
}

void judge_action(Action *action)
{
    const ActionSample *before =
        judge_sample(action, VMRECLAIM__CONTROLLER__V1__ACTION_PHASE__ACTION_PHASE_BEFORE);
    const ActionSample *after =
        judge_sample(action, VMRECLAIM__CONTROLLER__V1__ACTION_PHASE__ACTION_PHASE_AFTER);
    bool known = before != NULL && after != NULL && before->guest_is_known &&
                 after->guest_is_known && before->reported + after->reported > 0;

    action->guest_reported = known ? (int64_t)(after->reported - before->reported) : 0;
    action->confidence = (Vmreclaim__Controller__V1__Confidence)confidence_of(action, known);
}
