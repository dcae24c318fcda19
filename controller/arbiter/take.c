/* Taking memory: what hurts least comes first. */
#include "controller/arbiter/facts.h"
#include "controller/arbiter/memory.h"
#include "controller/arbiter/round.h"

#include "common/base/util.h"

#define URGENT_FACTOR 4                   /* larger steps while the host is critical */
#define PULSES_MAX    2                   /* at a time: each keeps a CPU of its guest busy */
#define DOUBT_STEP    (64 * MIB)          /* below what a guest says that it uses */
#define DOUBT_PACE    (10 * NSEC_PER_SEC) /* between two of those */
#define DOUBT_AFTER   (30 * NSEC_PER_SEC) /* of taking that did not suffice */

static const struct {
    enum arbiter_reason reason;
    uint64_t least; /* less is not worth it */
} steps[ARBITER_STEP_COUNT] = {
    [ARBITER_RECLAIM] = {ARBITER_COLD_CACHE, FACTS_LEAST_GAIN},
    [ARBITER_COMPACT] = {ARBITER_TRAPPED, 2 * FACTS_LEAST_GAIN},
    [ARBITER_PULSE] = {ARBITER_FREE, FACTS_LEAST_PULSE},
    [ARBITER_LEASE] = {ARBITER_OVER_SHARE, 0},
};

static bool may_take(const struct arbiter_round *round, size_t i, enum arbiter_step step)
{
    struct arbiter_want *want = &round->arbiter->wants[i];

    return want->reason == ARBITER_IS_FINE && !round->vms[i].is_occupied &&
           !memory_cools(round->vms[i].memory, step, round->is_urgent, round->host->now,
                         &want->wait);
}

static uint64_t largest_step(const struct arbiter_round *round, const struct arbiter_vm *vm)
{
    return facts_step(vm) * (round->is_urgent ? URGENT_FACTOR : 1);
}

/* ---- what the guest does not miss ---- */

static size_t pulses_on(const struct arbiter_round *round)
{
    size_t count = 0;

    for (size_t i = 0; i < round->count; i++) {
        const struct arbiter_memory *memory = round->vms[i].memory;

        if (memory->asked == ARBITER_PULSE && memory->taken.bytes > 0)
            count++;
    }
    return count;
}

/* What brought little before is not counted upon. */
static void take_gain(struct arbiter_round *round, size_t i, enum arbiter_step step)
{
    const struct arbiter_vm *vm = &round->vms[i];
    uint64_t bytes = round->arbiter->wants[i].gains[step];

    if (step == ARBITER_RECLAIM)
        bytes = min_of(bytes, largest_step(round, vm));
    round_ask(round, i, step, bytes, facts_size(vm), steps[step].reason);
    bytes = facts_brings(vm, step, bytes) >> vm->memory->barren[step];
    round->deficit = saturating_subtract(round->deficit, bytes);
}

static void take_step(struct arbiter_round *round, enum arbiter_step step)
{
    struct arbiter_ranks ranks = {.list = round->arbiter->ranks};
    size_t room =
        step == ARBITER_PULSE ? saturating_subtract(PULSES_MAX, pulses_on(round)) : round->count;

    for (size_t i = 0; i < round->count; i++)
        if (round->arbiter->wants[i].gains[step] >= steps[step].least && may_take(round, i, step) &&
            memory_coming(&round->vms[i], round->host->now) == 0)
            ranks_add(&ranks, round->arbiter->wants[i].gains[step], i);
    for (; ranks.count > 0 && room > 0 && round->deficit > 0; room--)
        take_gain(round, ranks_take(&ranks), step);
}

/* ---- leases ---- */

/* Where a lease may go down to. Its guest is believed what it needs, at first what it works with.
 * With `doubts` it is not. */
static uint64_t end_of(const struct arbiter_round *round, size_t i, bool doubts)
{
    const struct arbiter_vm *vm = &round->vms[i];
    const struct arbiter_want *want = &round->arbiter->wants[i];
    uint64_t end = round->is_hasty ? want->least : max_of(want->goal, want->least);
    uint64_t need = round->is_gentle ? facts_comfort(vm) : facts_need(vm);

    if (doubts)
        return max_of(end, want->fair);
    need = min_of(need, want->holds);
    return max_of(end, need);
}

/* What it holds above that. */
static uint64_t excess_of(const struct arbiter_round *round, size_t i, uint64_t end)
{
    const struct arbiter_want *want = &round->arbiter->wants[i];

    return saturating_subtract(min_of(want->holds, want->size), end);
}

/* What it is to hold next: a step less, and no less than the end or than what is missing. */
static uint64_t next_holding(const struct arbiter_round *round, size_t i, uint64_t end, bool doubts)
{
    const struct arbiter_want *want = &round->arbiter->wants[i];
    uint64_t step = largest_step(round, &round->vms[i]);
    uint64_t holds = min_of(want->size, want->holds); /* what it never held brings nothing */

    if (doubts)
        step = min_of(step, DOUBT_STEP);
    holds = max_of(saturating_subtract(holds, step), end);
    return max_of(holds, saturating_subtract(want->holds, round->deficit));
}

static void take_lease(struct arbiter_round *round, size_t i, uint64_t end, bool doubts)
{
    const struct arbiter_vm *vm = &round->vms[i];
    const struct arbiter_want *want = &round->arbiter->wants[i];
    uint64_t holds = next_holding(round, i, end, doubts);
    uint64_t size = min_of(holds + facts_spare(vm), want->size);
    uint64_t bytes = saturating_subtract(want->holds, holds);

    if (size == want->size)
        return;
    round_ask(round, i, ARBITER_LEASE, bytes, size, doubts ? ARBITER_DOUBTED : ARBITER_OVER_SHARE);
    vm->memory->is_doubted = doubts;
    if (doubts && !round->is_urgent)
        vm->memory->cool[ARBITER_LEASE] = round->host->now + DOUBT_PACE;
    round->deficit = saturating_subtract(round->deficit, bytes);
}

/* Returns what all have to give, be it now or in a moment. */
static uint64_t rank_leases(const struct arbiter_round *round, bool doubts,
                            struct arbiter_ranks *ranks)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < round->count; i++) {
        const struct arbiter_want *want = &round->arbiter->wants[i];
        uint64_t excess;

        if (want->is_fixed || want->holds == 0)
            continue;
        excess = excess_of(round, i, end_of(round, i, doubts));
        sum += excess;
        if (excess >= SHARES_PAGE && may_take(round, i, ARBITER_LEASE))
            ranks_add(ranks, excess, i);
    }
    return sum;
}

/* Returns what will be missing when all have given what they say that they do not need. */
static uint64_t take_leases(struct arbiter_round *round)
{
    struct arbiter_ranks ranks = {.list = round->arbiter->ranks};
    uint64_t missing = saturating_subtract(round->deficit, rank_leases(round, false, &ranks));

    while (ranks.count > 0 && round->deficit > 0) {
        size_t i = ranks_take(&ranks);

        take_lease(round, i, end_of(round, i, false), false);
    }
    return missing;
}

/* A guest that says that it uses more than its share is believed while that of the others suffices.
 * Then it is tried: one at a time, and all where the host is critical. */
static void take_doubted(struct arbiter_round *round, uint64_t missing)
{
    struct arbiter_ranks ranks = {.list = round->arbiter->ranks};
    bool is_time = round->is_urgent || round->host->now - round->arbiter->since >= DOUBT_AFTER;
    bool goes_on = true;

    if (missing == 0 || !is_time)
        return;
    rank_leases(round, true, &ranks);
    for (; goes_on && ranks.count > 0 && round->deficit > 0; goes_on = round->is_urgent) {
        size_t i = ranks_take(&ranks);

        take_lease(round, i, end_of(round, i, true), true);
    }
}

/* First what nobody works with. Those with most of it give in steps, each as fast as its balloon: a
 * host that stays critical asks all others as well. What then is missing is taken by shares alone:
 * all at once where the host is critical, else by small steps. */
void round_take(struct arbiter_round *round)
{
    uint64_t missing;

    for (enum arbiter_step step = ARBITER_RECLAIM; step < ARBITER_LEASE; step++)
        take_step(round, step);
    round->is_gentle = true;
    round_divide(round, round->deficit, 0);
    missing = take_leases(round);
    round->is_hasty =
        round->is_urgent && round->host->now - round->arbiter->since >= ROUND_HASTE_AFTER;
    if (round->is_hasty)
        take_leases(round);
    round->is_hasty = false;
    round->is_gentle = false;
    if (missing > 0 && round->is_urgent) {
        round_divide(round, round->deficit, 0);
        missing = take_leases(round);
    }
    take_doubted(round, missing);
}
