/* Sums over actions. */
#include "controller/telemetry/totals.h"

#include <assert.h>
#include <string.h>

#include "common/base/number.h"
#include "common/base/text.h"
#include "common/base/util.h"

const char *const total_kind_names[TOTAL_KIND_COUNT] = {
    [TOTAL_RECLAIM] = "reclaim", [TOTAL_COMPACT] = "compact", [TOTAL_REPORTING] = "reporting",
    [TOTAL_BALLOON] = "balloon", [TOTAL_RELEASE] = "release", [TOTAL_PULSE] = "pulse",
    [TOTAL_OTHER] = "other",
};

const char *const total_outcome_names[TOTAL_OUTCOME_COUNT] = {
    [TOTAL_RETURNED] = "returned",     [TOTAL_NOTHING] = "nothing",
    [TOTAL_GIVEN_BACK] = "given-back", [TOTAL_UNMEASURED] = "unmeasured",
    [TOTAL_FAILED] = "failed",
};

enum total_kind total_kind_of(const char *name)
{
    for (enum total_kind i = 0; i < TOTAL_KIND_COUNT; i++)
        if (strcmp(total_kind_names[i], name) == 0)
            return i;
    return TOTAL_OTHER;
}

enum total_outcome total_outcome_of(const char *name)
{
    for (enum total_outcome i = 0; i < TOTAL_OUTCOME_COUNT; i++)
        if (strcmp(total_outcome_names[i], name) == 0)
            return i;
    return TOTAL_UNMEASURED;
}

static void sum_up(uint64_t *sum, uint64_t value)
{
    *sum = *sum > UINT64_MAX - value ? UINT64_MAX : *sum + value;
}

static uint64_t gain_of(int64_t bytes)
{
    return bytes > 0 ? (uint64_t)bytes : 0;
}

static uint64_t loss_of(int64_t bytes)
{
    return bytes < 0 ? -(uint64_t)bytes : 0;
}

void totals_add(struct totals *totals, const struct total_action *action)
{
    struct total *total = &totals->kinds[action->kind];

    assert(action->kind < TOTAL_KIND_COUNT && action->outcome < TOTAL_OUTCOME_COUNT);
    total->outcomes[action->outcome]++;
    sum_up(&total->asked, action->asked);
    sum_up(&total->freed, action->freed);
    sum_up(&total->returned, gain_of(action->returned));
    sum_up(&total->lost, loss_of(action->returned));
    total->declined += action->is_declined;
}

uint64_t total_count(const struct total *total)
{
    uint64_t count = 0;

    for (size_t i = 0; i < TOTAL_OUTCOME_COUNT; i++)
        count += total->outcomes[i];
    return count;
}

/* ---- of a host ---- */

void host_totals_init(struct host_totals *totals)
{
    *totals = (struct host_totals){.reason_count = 0};
    for (size_t i = 0; i < TOTAL_KIND_COUNT; i++) {
        histogram_init(&totals->durations[i], &histogram_long_times);
        histogram_init(&totals->returns[i], &histogram_sizes);
    }
}

static struct total_reason *find_reason(struct host_totals *totals,
                                        const struct total_action *action, const char *reason)
{
    for (size_t i = 0; i < totals->reason_count; i++) {
        struct total_reason *row = &totals->reasons[i];

        if (row->kind == action->kind && row->outcome == action->outcome &&
            strcmp(row->reason, reason) == 0)
            return row;
    }
    return NULL;
}

static struct total_reason *add_reason(struct host_totals *totals,
                                       const struct total_action *action, const char *reason)
{
    struct total_reason *row = &totals->reasons[totals->reason_count++];

    assert(totals->reason_count <= ARRAY_SIZE(totals->reasons));
    row->kind = action->kind;
    row->outcome = action->outcome;
    text_copy_line(row->reason, sizeof(row->reason), reason);
    return row;
}

/* The rows beyond TOTAL_REASONS_MAX are for "other", one of each kind and outcome. */
static struct total_reason *reason_of(struct host_totals *totals, const struct total_action *action,
                                      const char *text)
{
    char reason[TOTAL_REASON_SIZE];
    struct total_reason *row;

    text_copy_line(reason, sizeof(reason), text);
    row = find_reason(totals, action, reason);
    if (row != NULL)
        return row;
    if (totals->reason_count < TOTAL_REASONS_MAX)
        return add_reason(totals, action, reason);
    row = find_reason(totals, action, "other");
    return row != NULL ? row : add_reason(totals, action, "other");
}

void host_totals_add(struct host_totals *totals, const struct total_action *action,
                     const char *reason, uint64_t duration)
{
    totals_add(&totals->totals, action);
    reason_of(totals, action, reason)->count++;
    histogram_add(&totals->durations[action->kind], (int64_t)min_of(duration, (uint64_t)INT64_MAX));
    if (action->outcome == TOTAL_RETURNED || action->outcome == TOTAL_NOTHING)
        histogram_add(&totals->returns[action->kind],
                      (int64_t)min_of(gain_of(action->returned), (uint64_t)INT64_MAX));
}
