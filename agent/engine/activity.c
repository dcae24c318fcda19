/* The rolling window. A slot takes intervals until it covers 1/16 of the window, so 32 slots always
 * hold more than a window, whatever the sampling rate. */
#include "agent/engine/activity.h"

#include <assert.h>
#include <string.h>

#include "common/base/number.h"
#include "common/base/util.h"
#include "common/policy/policy.h"

#define SLOTS_PER_WINDOW 16

void activity_init(struct activity *activity, nsec_t window)
{
    assert(window > 0);
    memset(activity, 0, sizeof(*activity));
    activity->window = window;
}

void activity_clear(struct activity *activity)
{
    activity_init(activity, activity->window);
}

static void merge(struct interval *sum, const struct interval *interval)
{
    sum->length += interval->length;
    sum->busy += interval->busy;
    sum->capacity += interval->capacity;
    sum->psi_memory += interval->psi_memory;
    sum->psi_io += interval->psi_io;
    sum->refaults += interval->refaults;
}

void activity_add(struct activity *activity, const struct interval *interval)
{
    struct interval *slot = &activity->slots[activity->newest];

    assert(interval->length > 0);
    assert(activity->newest < ACTIVITY_SLOTS && activity->count <= ACTIVITY_SLOTS);
    if (activity->count == 0 || slot->length >= activity->window / SLOTS_PER_WINDOW) {
        activity->newest = (activity->newest + 1) % ACTIVITY_SLOTS;
        activity->count = min_of(activity->count + 1, (unsigned)ACTIVITY_SLOTS);
        slot = &activity->slots[activity->newest];
        memset(slot, 0, sizeof(*slot));
    }
    merge(slot, interval);
}

struct interval activity_recent(const struct activity *activity, nsec_t length)
{
    struct interval sum = {0};

    for (unsigned i = 0; i < activity->count && sum.length < length; i++)
        merge(&sum, &activity->slots[(activity->newest + ACTIVITY_SLOTS - i) % ACTIVITY_SLOTS]);
    return sum;
}

uint32_t activity_busy(const struct interval *interval)
{
    nsec_t whole = min_of(interval->capacity, interval->length * POLICY_CALM_CPUS);

    return activity_share(interval->busy, whole);
}

uint32_t activity_share(uint64_t part, uint64_t whole)
{
    if (whole == 0)
        return 0;
    if (part >= whole)
        return PERMYRIAD_ONE;
    /* parts are at most days of CPU time in nanoseconds: scale before the product can overflow */
    while (part > UINT64_MAX / PERMYRIAD_ONE) {
        part >>= 8;
        whole >>= 8;
    }
    assert(part <= whole); /* scaling keeps their order */
    return (uint32_t)(part * PERMYRIAD_ONE / whole);
}
