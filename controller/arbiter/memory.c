/* What is remembered of one VM. */
#include "controller/arbiter/memory.h"

#include <assert.h>
#include <string.h>

#include "common/base/util.h"
#include "controller/arbiter/facts.h"

#define PROMISE     (30 * NSEC_PER_SEC)
#define SPARED      (600 * NSEC_PER_SEC) /* after a need */
#define BELIEVED    (300 * NSEC_PER_SEC) /* after it was doubted for nothing */
#define REFUSED     (30 * NSEC_PER_SEC)
#define COOL_MAX    (3600 * NSEC_PER_SEC)
#define BARREN_MAX  8
#define TURN        (30 * NSEC_PER_SEC) /* before the first change of direction ... */
#define TURN_FACTOR 4                   /* ... and so much longer before each other */
#define SLACK       (1 * MIB)
#define WORTH       (16 * MIB)          /* of less nobody can say that it did not come */
#define SMALL_PACE  (10 * NSEC_PER_SEC) /* of leases that move by less */

/* Of each step: how long it may take, and how long it rests. */
static const struct {
    nsec_t time;
    nsec_t rest;   /* after it, when nothing is urgent */
    nsec_t barren; /* ... after it brought little; doubled each time */
} steps[ARBITER_STEP_COUNT] = {
    [ARBITER_RECLAIM] = {20 * NSEC_PER_SEC, 5 * NSEC_PER_SEC, 60 * NSEC_PER_SEC},
    [ARBITER_COMPACT] = {30 * NSEC_PER_SEC, 300 * NSEC_PER_SEC, 600 * NSEC_PER_SEC},
    [ARBITER_PULSE] = {120 * NSEC_PER_SEC, 600 * NSEC_PER_SEC, 600 * NSEC_PER_SEC},
    [ARBITER_LEASE] = {60 * NSEC_PER_SEC, ARBITER_PACE, 60 * NSEC_PER_SEC},
};

/* ---- what is on its way ---- */

static uint64_t fallen(const struct arbiter_pending *pending, const struct arbiter_vm *vm)
{
    return saturating_subtract(pending->footprint, vm->footprint);
}

uint64_t memory_coming(const struct arbiter_vm *vm, nsec_t now)
{
    const struct arbiter_pending *taken = &vm->memory->taken;

    return now >= taken->end ? 0 : saturating_subtract(taken->bytes, fallen(taken, vm));
}

uint64_t memory_promised(const struct arbiter_vm *vm, nsec_t now)
{
    const struct arbiter_pending *promised = &vm->memory->promised;
    uint64_t grown = saturating_subtract(vm->footprint, promised->footprint);

    return now >= promised->end ? 0 : saturating_subtract(promised->bytes, grown);
}

/* ---- cool-downs ---- */

/* A host that fills slowly is not followed second by second. */
static nsec_t rest_after(enum arbiter_step step, uint64_t bytes)
{
    bool is_small = step == ARBITER_LEASE && bytes < WORTH;

    return is_small ? SMALL_PACE : steps[step].rest;
}

static nsec_t barren_rest(enum arbiter_step step, unsigned barren)
{
    nsec_t rest = steps[step].barren;

    for (unsigned i = 1; i < barren && rest < COOL_MAX; i++)
        rest *= 2;
    return min_of(rest, COOL_MAX);
}

static void judge(struct arbiter_memory *memory, enum arbiter_step step, uint64_t asked,
                  uint64_t brought, nsec_t now)
{
    if (step == ARBITER_LEASE) /* so much of its size may have been on no host */
        asked = saturating_subtract(asked, FACTS_SPARE_MAX);
    if (asked < WORTH || brought >= asked / 2) {
        memory->barren[step] = 0;
        return;
    }
    memory->barren[step] = min_of(memory->barren[step] + 1, (unsigned)BARREN_MAX);
    memory->cool[step] = now + barren_rest(step, memory->barren[step]);
}

bool memory_cools(const struct arbiter_memory *memory, enum arbiter_step step, bool is_urgent,
                  nsec_t now, nsec_t *ret_wait)
{
    if (now >= memory->cool[step] || (is_urgent && memory->barren[step] == 0))
        return false;
    *ret_wait = memory->cool[step] - now;
    return true;
}

/* ---- direction ---- */

static unsigned changes_lately(const struct arbiter_past *past, nsec_t now)
{
    unsigned count = 0;

    for (size_t i = 0; i < ARBITER_CHANGES_MAX; i++)
        if (past->changes[i] != 0 && now - past->changes[i] <= ARBITER_CHANGES_IN)
            count++;
    return count;
}

/* How many changes are left free by a change in that direction: after taking that of a need, after
 * giving another taking and its need. */
static const unsigned kept_changes[] = {[ARBITER_TOOK] = 1, [ARBITER_GAVE] = 2};

static bool turns(const struct arbiter_past *past, enum arbiter_direction direction)
{
    return past->direction != ARBITER_NEVER_MOVED && past->direction != direction;
}

bool memory_may_turn(const struct arbiter_memory *memory, enum arbiter_direction direction,
                     bool is_urgent, nsec_t now)
{
    const struct arbiter_past *past = &memory->past;
    unsigned changes = changes_lately(past, now);
    nsec_t wait = TURN;

    if (!turns(past, direction))
        return true;
    if (changes + kept_changes[direction] >= ARBITER_CHANGES_MAX)
        return false;
    for (unsigned i = 0; i < changes; i++)
        wait *= TURN_FACTOR;
    return is_urgent || now - past->moved >= wait;
}

static void note_moved(struct arbiter_past *past, enum arbiter_direction direction, nsec_t now)
{
    if (turns(past, direction)) {
        memmove(&past->changes[0], &past->changes[1],
                (ARBITER_CHANGES_MAX - 1) * sizeof(past->changes[0]));
        past->changes[ARBITER_CHANGES_MAX - 1] = now;
    }
    past->direction = direction;
    past->moved = now;
}

/* ---- notes ---- */

void memory_note_taken(const struct arbiter_vm *vm, enum arbiter_step step, uint64_t bytes,
                       uint64_t lease, nsec_t now)
{
    struct arbiter_memory *memory = vm->memory;

    assert(step >= ARBITER_RECLAIM && step <= ARBITER_LEASE);
    memory->asked = step;
    memory->taken = (struct arbiter_pending){bytes, vm->footprint, now + steps[step].time};
    memory->cool[step] = now + rest_after(step, bytes);
    memory->promised = (struct arbiter_pending){.bytes = 0};
    memory->lease_asked = lease;
    memory->is_doubted = false;
    if (step == ARBITER_LEASE)
        note_moved(&memory->past, ARBITER_TOOK, now);
}

void memory_note_given(const struct arbiter_vm *vm, uint64_t bytes, uint64_t lease, bool is_need,
                       nsec_t now)
{
    struct arbiter_memory *memory = vm->memory;

    bytes += memory_promised(vm, now);
    memory->promised = (struct arbiter_pending){bytes, vm->footprint, now + PROMISE};
    memory->taken = (struct arbiter_pending){.bytes = 0};
    memory->asked = ARBITER_GIVE_BACK;
    memory->lease_asked = lease;
    memory->cool[ARBITER_LEASE] = now + ARBITER_PACE;
    if (is_need)
        memory->spared = now + SPARED;
    if (is_need && memory->is_doubted)
        memory->believed = now + BELIEVED;
    note_moved(&memory->past, ARBITER_GAVE, now);
}

/* Of an earlier daemon's lease nobody remembers more than that memory was taken. */
static void meet(const struct arbiter_vm *vm, nsec_t now)
{
    struct arbiter_memory *memory = vm->memory;

    if (vm->lease > 0 && memory->past.direction == ARBITER_NEVER_MOVED)
        note_moved(&memory->past, ARBITER_TOOK, now);
    memory->lease = vm->lease;
    memory->lease_asked = vm->lease;
    memory->is_known = true;
}

/* The leases give back by themselves what a guest in need wants: what was ours and is not any more,
 * without our doing. */
static void see_lost_lease(const struct arbiter_vm *vm, nsec_t now)
{
    struct arbiter_memory *memory = vm->memory;
    uint64_t expected = min_of(memory->lease, memory->lease_asked);

    memory->lease = vm->lease;
    if (vm->lease + SLACK < expected)
        memory_note_given(vm, expected - vm->lease, vm->lease, true, now);
}

static void see_stall(const struct arbiter_vm *vm, nsec_t now)
{
    struct arbiter_memory *memory = vm->memory;

    if (!vm->is_stalled || now < memory->cool[ARBITER_LEASE])
        return;
    judge(memory, ARBITER_LEASE, FACTS_SPARE_MAX + WORTH, 0, now);
    memory->taken = (struct arbiter_pending){.bytes = 0};
}

void memory_look(const struct arbiter_vm *vm, nsec_t now)
{
    struct arbiter_memory *memory = vm->memory;
    struct arbiter_pending *taken = &memory->taken;

    if (!memory->is_known)
        meet(vm, now);
    see_lost_lease(vm, now);
    see_stall(vm, now);
    if (taken->bytes == 0 || (now < taken->end && fallen(taken, vm) < taken->bytes))
        return;
    judge(memory, memory->asked, taken->bytes, fallen(taken, vm), now);
    *taken = (struct arbiter_pending){.bytes = 0};
}

/* What it says is no lie then: the leases have looked at it themselves. */
void arbiter_note_refused(struct arbiter_memory *memory, enum arbiter_step step, nsec_t now)
{
    memory->taken = (struct arbiter_pending){.bytes = 0};
    if (memory->is_doubted) {
        memory->believed = now + BELIEVED;
        return;
    }
    memory->cool[step] = now + REFUSED;
    memory->barren[step] = max_of(memory->barren[step], 1u);
}

void arbiter_note_put_off(struct arbiter_memory *memory)
{
    memory->taken = (struct arbiter_pending){.bytes = 0};
}

void arbiter_note_released(struct arbiter_memory *memory, nsec_t now)
{
    memory->taken = (struct arbiter_pending){.bytes = 0};
    memory->lease_asked = 0;
    note_moved(&memory->past, ARBITER_GAVE, now);
}

void arbiter_note_end(struct arbiter_memory *memory, enum arbiter_step step, uint64_t brought,
                      nsec_t now)
{
    if (memory->asked != step || memory->taken.bytes == 0)
        return;
    judge(memory, step, memory->taken.bytes, brought, now);
    memory->taken = (struct arbiter_pending){.bytes = 0};
}
