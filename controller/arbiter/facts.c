/* What the facts of one VM mean. */
#include "controller/arbiter/facts.h"

#include "common/base/util.h"

#define STEP_PART   20 /* of its memory, in one step */
#define SPARE_PART  32 /* of its memory, above what it works with */
#define HUNGRY_PART 16 /* of its size: so little is not used */
#define IDLE_PART   2  /* of what it holds: so much of it may be idle */

bool facts_take_part(const struct arbiter_vm *vm)
{
    return vm->may_be_changed && !vm->is_halted && !vm->is_foreign && vm->footprint != 0 &&
           vm->ram != 0;
}

enum arbiter_reason facts_bar(const struct arbiter_vm *vm)
{
    if (!vm->may_be_changed)
        return ARBITER_UNASSIGNED;
    if (vm->is_halted)
        return ARBITER_HALTED;
    if (vm->is_foreign)
        return ARBITER_FOREIGN;
    if (vm->footprint == 0 || vm->ram == 0)
        return ARBITER_UNMEASURED;
    if (vm->is_starved)
        return ARBITER_IN_NEED;
    return vm->means == 0 ? ARBITER_NO_MEANS : ARBITER_IS_FINE;
}

uint64_t facts_full_size(const struct arbiter_vm *vm)
{
    return saturating_subtract(vm->ram, vm->others);
}

uint64_t facts_size(const struct arbiter_vm *vm)
{
    return saturating_subtract(facts_full_size(vm), vm->lease);
}

uint64_t facts_working(const struct arbiter_vm *vm)
{
    uint64_t cache = min_of(vm->hot, vm->ram);

    if (vm->source == ARBITER_UNHEARD)
        return vm->ram;
    return min_of(vm->in_use, vm->ram - cache) + cache;
}

uint64_t facts_need(const struct arbiter_vm *vm)
{
    uint64_t headroom = min_of(vm->headroom, vm->ram);

    if (vm->source == ARBITER_UNHEARD)
        return vm->ram;
    return saturating_subtract(min_of(vm->in_use, vm->ram - headroom) + headroom, facts_spare(vm));
}

uint64_t facts_comfort(const struct arbiter_vm *vm)
{
    uint64_t working = facts_working(vm);
    uint64_t comfort = working + min_of(vm->ram / SPARE_PART, vm->ram - working);
    uint64_t need = facts_need(vm);

    if (vm->ceiling != 0)
        comfort = min_of(comfort, vm->ceiling);
    return max_of(comfort, need);
}

/* Cache that is hot by statistics may be any. */
bool facts_is_hungry(const struct arbiter_vm *vm)
{
    uint64_t size = min_of(facts_size(vm), vm->size);

    return vm->lease > 0 && vm->source == ARBITER_AGENT &&
           facts_working(vm) >= size - size / HUNGRY_PART;
}

uint64_t facts_active(const struct arbiter_vm *vm)
{
    uint64_t idle = saturating_subtract(vm->footprint, facts_working(vm));
    uint64_t beyond = saturating_subtract(idle, vm->footprint / IDLE_PART);

    return vm->footprint - min_of(idle, 3 * beyond);
}

uint64_t facts_spare(const struct arbiter_vm *vm)
{
    uint64_t size = min_of(facts_size(vm), vm->size);

    return min_of(saturating_subtract(size, vm->footprint), FACTS_SPARE_MAX);
}

uint64_t facts_floor(const struct arbiter_vm *vm)
{
    uint64_t floor = max_of(vm->floor, FACTS_LEAST_SIZE);

    return min_of(floor, vm->ram);
}

uint64_t facts_step(const struct arbiter_vm *vm)
{
    return max_of(64 * MIB, vm->ram / STEP_PART / SHARES_PAGE * SHARES_PAGE);
}

/* ---- what could come back ---- */

/* Free memory that the host holds, beyond what must stay free. A guest whose free memory comes back
 * by itself has no such means. */
static uint64_t pulse_gain(const struct arbiter_vm *vm)
{
    uint64_t used = saturating_subtract(vm->size, vm->free);
    uint64_t headroom = max_of(256 * MIB, vm->ram / STEP_PART);

    return saturating_subtract(min_of(vm->free, saturating_subtract(vm->footprint, used)),
                               headroom);
}

/* Its cache can be freed for a pulse, and no pulse waits for what is free already. */
static bool may_free(const struct arbiter_vm *vm)
{
    const unsigned both = ARBITER_CAN_FREE | ARBITER_CAN_PULSE;

    return (vm->means & both) == both && pulse_gain(vm) < FACTS_LEAST_PULSE;
}

uint64_t facts_brings(const struct arbiter_vm *vm, enum arbiter_step step, uint64_t bytes)
{
    bool comes_back = (vm->means & ARBITER_CAN_RECLAIM) != 0;

    return step != ARBITER_RECLAIM || comes_back ? bytes : 0;
}

static uint64_t lease_gain(const struct arbiter_vm *vm)
{
    uint64_t stays = max_of(facts_need(vm), facts_floor(vm));

    return saturating_subtract(min_of(vm->footprint, facts_size(vm)), stays);
}

void arbiter_gains(const struct arbiter_vm *vm, uint64_t ret_gains[ARBITER_STEP_COUNT])
{
    uint64_t above_floor = saturating_subtract(vm->footprint, vm->floor);
    bool is_heard = vm->source != ARBITER_UNHEARD;

    for (int step = 0; step < ARBITER_STEP_COUNT; step++)
        ret_gains[step] = 0;
    if (facts_bar(vm) != ARBITER_IS_FINE || !is_heard)
        return;
    if ((vm->means & ARBITER_CAN_RECLAIM) != 0 || may_free(vm))
        ret_gains[ARBITER_RECLAIM] = min_of(vm->cold, above_floor);
    if ((vm->means & ARBITER_CAN_COMPACT) != 0)
        ret_gains[ARBITER_COMPACT] = min_of(vm->trapped, vm->footprint);
    if ((vm->means & ARBITER_CAN_PULSE) != 0)
        ret_gains[ARBITER_PULSE] = pulse_gain(vm);
    if ((vm->means & ARBITER_CAN_LEASE) != 0)
        ret_gains[ARBITER_LEASE] = lease_gain(vm);
}
