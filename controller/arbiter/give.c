/* Giving memory back: the neediest first. */
#include "controller/arbiter/facts.h"
#include "controller/arbiter/memory.h"
#include "controller/arbiter/round.h"

#include "common/base/util.h"

#define TOLERANCE_PART 32 /* of its size: so little more is not worth a move */
#define RENEW_PAUSE    (10 * NSEC_PER_SEC)

static bool is_paced(const struct arbiter_round *round, size_t i)
{
    nsec_t wait;

    return memory_cools(round->vms[i].memory, ARBITER_LEASE, false, round->host->now, &wait) &&
           round->vms[i].memory->barren[ARBITER_LEASE] == 0;
}

/* Its lease may be made smaller, as far as nobody is in need. */
static bool may_rise(const struct arbiter_round *round, size_t i)
{
    const struct arbiter_vm *vm = &round->vms[i];
    const struct arbiter_want *want = &round->arbiter->wants[i];

    return vm->lease > 0 && want->holds > 0 && !want->is_asked && !vm->is_occupied &&
           !is_paced(round, i) &&
           memory_may_turn(vm->memory, ARBITER_GAVE, false, round->host->now);
}

static void give(struct arbiter_round *round, size_t i, uint64_t size, enum arbiter_reason reason)
{
    const struct arbiter_want *want = &round->arbiter->wants[i];

    if (size > want->size)
        round_ask(round, i, ARBITER_GIVE_BACK, size - want->size, size, reason);
}

/* ---- in need ---- */

/* All of it where the host has so much; else what would be its own. */
static uint64_t needed_size(const struct arbiter_round *round, size_t i)
{
    const struct arbiter_vm *vm = &round->vms[i];
    uint64_t full = facts_full_size(vm);
    uint64_t size;

    if (saturating_subtract(round->view.available, vm->lease) >= round->host->critical)
        return full;
    size = max_of(round->arbiter->wants[i].fair, round->arbiter->wants[i].least);
    return min_of(size, full);
}

void round_give_needed(struct arbiter_round *round)
{
    for (size_t i = 0; i < round->count; i++) {
        const struct arbiter_vm *vm = &round->vms[i];

        if (vm->lease == 0 || vm->is_halted || is_paced(round, i))
            continue;
        if (!vm->may_be_changed)
            give(round, i, facts_full_size(vm), ARBITER_WITHDRAWN);
        else if (vm->is_starved)
            give(round, i, needed_size(round, i), ARBITER_IN_NEED);
    }
}

/* ---- hungry ---- */

/* How far below its watermark a host may fall for it. */
static uint64_t room_for_hungry(const struct arbiter_round *round)
{
    const struct arbiter_host *host = round->host;

    return saturating_subtract(saturating_subtract(host->available, round->view.promised),
                               host->critical + (host->low - host->critical) / 2);
}

/* So much more that it is worth a move; at most one step. */
static uint64_t hungry_size(const struct arbiter_round *round, size_t i)
{
    const struct arbiter_vm *vm = &round->vms[i];
    const struct arbiter_want *want = &round->arbiter->wants[i];
    uint64_t size = min_of(want->size + facts_step(vm), facts_full_size(vm));

    size = min_of(size, want->goal);
    return size < want->size + want->size / TOLERANCE_PART ? want->size : size;
}

void round_give_hungry(struct arbiter_round *round)
{
    uint64_t room = room_for_hungry(round);

    for (size_t i = 0; i < round->count; i++) {
        const struct arbiter_want *want = &round->arbiter->wants[i];
        uint64_t size;

        if (!facts_is_hungry(&round->vms[i]) || !may_rise(round, i))
            continue;
        size = hungry_size(round, i);
        if (size - want->size > room)
            continue;
        room -= size - want->size;
        give(round, i, size, ARBITER_HUNGRY);
    }
}

/* ---- plenty ---- */

/* A move that is worth it: the last, or a whole step. */
static bool is_worth(const struct arbiter_vm *vm, const struct arbiter_want *want)
{
    return want->goal >= facts_full_size(vm) || want->goal >= want->size + facts_step(vm);
}

void round_give_plenty(struct arbiter_round *round)
{
    struct arbiter_want *wants = round->arbiter->wants;

    for (size_t i = 0; i < round->count; i++)
        wants[i].may_rise = may_rise(round, i);
    round_divide_surplus(round, saturating_subtract(round->view.counted, round->host->high));
    for (size_t i = 0; i < round->count; i++)
        if (wants[i].may_rise && is_worth(&round->vms[i], &wants[i]))
            give(round, i, min_of(wants[i].goal, facts_full_size(&round->vms[i])), ARBITER_PLENTY);
}

/* ---- renewal ---- */

void round_renew(struct arbiter_round *round)
{
    nsec_t now = round->host->now;

    for (size_t i = 0; i < round->count; i++) {
        const struct arbiter_vm *vm = &round->vms[i];
        const struct arbiter_want *want = &round->arbiter->wants[i];

        if (want->is_asked || want->holds == 0 || vm->lease == 0 || vm->lease_end == 0 ||
            vm->is_occupied || now < vm->memory->renewal ||
            vm->lease_end > now + ARBITER_LEASE_TERM / 2)
            continue;
        round_ask(round, i, ARBITER_LEASE, 0, want->size, ARBITER_RENEWED);
        vm->memory->renewal = now + RENEW_PAUSE;
    }
}
