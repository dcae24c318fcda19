/* Who is left alone in a round, and why nothing is asked of whom. */
#include "controller/arbiter/facts.h"
#include "controller/arbiter/memory.h"
#include "controller/arbiter/round.h"

#include "common/base/util.h"

/* ---- what stands against taking ---- */

/* Under a critical host nobody is spared. */
static enum arbiter_reason reason_of(const struct arbiter_round *round, size_t i)
{
    const struct arbiter_vm *vm = &round->vms[i];
    enum arbiter_reason reason = facts_bar(vm);

    if (reason != ARBITER_IS_FINE || round->is_urgent)
        return reason;
    if (round->host->now < vm->memory->spared)
        return ARBITER_IN_NEED;
    return memory_promised(vm, round->host->now) > 0 ? ARBITER_PROMISED : ARBITER_IS_FINE;
}

/* Why its balloon gives nothing for now, beyond a moment. */
static enum arbiter_reason lease_bar(const struct arbiter_round *round, size_t i, nsec_t *ret_wait)
{
    const struct arbiter_vm *vm = &round->vms[i];

    if ((vm->means & ARBITER_CAN_LEASE) == 0 || vm->source == ARBITER_UNHEARD)
        return ARBITER_NO_MEANS;
    if (vm->is_stalled)
        return ARBITER_STALLED;
    if (memory_cools(vm->memory, ARBITER_LEASE, true, round->host->now, ret_wait))
        return ARBITER_COOLS_DOWN;
    return memory_may_turn(vm->memory, ARBITER_TOOK, round->is_urgent, round->host->now)
               ? ARBITER_IS_FINE
               : ARBITER_TURNED_OFTEN;
}

void round_look(struct arbiter_round *round)
{
    for (size_t i = 0; i < round->count; i++) {
        const struct arbiter_vm *vm = &round->vms[i];
        struct arbiter_want *want = &round->arbiter->wants[i];

        *want = (struct arbiter_want){
            .reason = reason_of(round, i),
            .holds = facts_take_part(vm) ? vm->footprint : 0,
            .size = facts_size(vm),
            .least = facts_floor(vm),
        };
        want->bar = lease_bar(round, i, &want->wait);
        want->is_fixed = want->reason != ARBITER_IS_FINE || want->bar != ARBITER_IS_FINE;
        arbiter_gains(vm, want->gains);
    }
}

/* ---- requests ---- */

static struct arbiter_figures figures_of(const struct arbiter_round *round, size_t i)
{
    const struct arbiter_vm *vm = &round->vms[i];
    const struct arbiter_want *want = &round->arbiter->wants[i];

    return (struct arbiter_figures){
        .state = round->arbiter->state,
        .available = round->view.available,
        .mark = round->mark,
        .holds = vm->footprint,
        .share = want->goal,
        .working = vm->source == ARBITER_UNHEARD ? 0 : facts_working(vm),
        .floor = want->least,
        .wait = want->wait,
    };
}

void round_ask(struct arbiter_round *round, size_t i, enum arbiter_step step, uint64_t bytes,
               uint64_t size, enum arbiter_reason reason)
{
    const struct arbiter_vm *vm = &round->vms[i];
    uint64_t lease = saturating_subtract(facts_full_size(vm), size);

    round->arbiter->wants[i].is_asked = true;
    round->arbiter->wants[i].reason = reason;
    round->requests[round->request_count++] = (struct arbiter_request){
        .vm = i, .step = step, .bytes = bytes, .size = size, .reason = reason};
    if (step == ARBITER_GIVE_BACK)
        memory_note_given(vm, bytes, lease, reason == ARBITER_IN_NEED, round->host->now);
    else if (reason != ARBITER_RENEWED)
        memory_note_taken(vm, step, facts_brings(vm, step, bytes), lease, round->host->now);
}

/* ---- why nothing is asked ---- */

static enum arbiter_reason explain_short(const struct arbiter_round *round, size_t i)
{
    const struct arbiter_vm *vm = &round->vms[i];
    const struct arbiter_want *want = &round->arbiter->wants[i];

    if (vm->is_occupied)
        return ARBITER_OCCUPIED;
    if (memory_coming(vm, round->host->now) > 0 || round->deficit == 0)
        return ARBITER_ON_ITS_WAY;
    if (want->bar != ARBITER_IS_FINE)
        return want->bar;
    if (min_of(want->holds, want->size) <= want->least)
        return ARBITER_AT_FLOOR;
    if (min_of(want->holds, want->size) <= want->goal)
        return ARBITER_WITHIN_SHARE;
    return want->wait > 0 ? ARBITER_COOLS_DOWN : ARBITER_NOTHING_LEFT;
}

static enum arbiter_reason explain(const struct arbiter_round *round, size_t i)
{
    const struct arbiter_want *want = &round->arbiter->wants[i];
    bool is_short =
        round->arbiter->state == ARBITER_TAKING || round->arbiter->state == ARBITER_CRITICAL;

    if (want->reason != ARBITER_IS_FINE)
        return want->reason;
    if (is_short)
        return explain_short(round, i);
    return round->vms[i].lease > 0 ? ARBITER_HOLDS : ARBITER_IS_FINE;
}

void round_explain(struct arbiter_round *round)
{
    for (size_t i = 0; i < round->count; i++) {
        struct arbiter_memory *memory = round->vms[i].memory;

        memory->reason = explain(round, i);
        memory->figures = figures_of(round, i);
    }
    for (size_t i = 0; i < round->request_count; i++)
        round->requests[i].figures = figures_of(round, round->requests[i].vm);
}
