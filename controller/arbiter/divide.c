/* What each VM may hold. */
#include "controller/arbiter/facts.h"
#include "controller/arbiter/round.h"

#include "common/base/util.h"

static struct share_claim fixed_claim(uint64_t bytes)
{
    return (struct share_claim){.floor = bytes, .ceiling = bytes};
}

/* A guest that uses all it has would use more; the others are not known to want more than they
 * hold. A floor above that is no claim before it grows. */
static struct share_claim claim_of(const struct arbiter_vm *vm, const struct arbiter_want *want,
                                   bool wants_more)
{
    uint64_t most = wants_more ? facts_full_size(vm) : want->holds;

    if (vm->ceiling != 0)
        most = min_of(most, vm->ceiling);
    return (struct share_claim){
        .shares = vm->shares,
        .priority = vm->priority,
        .active = wants_more ? most : facts_active(vm),
        .floor = min_of(want->least, want->holds),
        .ceiling = most,
    };
}

/* What is its own and used is not taken for those that cannot give. These keep what they hold.
 * Where the host is critical all keep what they pay no tax for, at first: who rests gives. Who
 * cannot be tried is believed. */
static struct share_claim giving_claim(const struct arbiter_round *round, size_t i)
{
    const struct arbiter_vm *vm = &round->vms[i];
    const struct arbiter_want *want = &round->arbiter->wants[i];
    struct share_claim claim = claim_of(vm, want, facts_is_hungry(vm));
    uint64_t keeps = min_of(want->fair, facts_working(vm));

    if (round->host->now < vm->memory->believed || vm->cannot_be_tried)
        keeps = max_of(keeps, facts_need(vm));
    if (round->is_gentle && round->is_urgent)
        keeps = max_of(facts_comfort(vm), facts_active(vm));
    if (want->is_fixed)
        keeps = want->holds;
    keeps = min_of(keeps, want->holds);
    claim.floor = max_of(claim.floor, keeps);
    return claim;
}

/* Together they may hold what they do, less the excess and with the surplus. */
static uint64_t budget_of(const struct arbiter_round *round, uint64_t excess, uint64_t surplus)
{
    uint64_t held = surplus;

    for (size_t i = 0; i < round->count; i++)
        held += round->arbiter->wants[i].holds;
    return saturating_subtract(held, excess);
}

void round_divide(struct arbiter_round *round, uint64_t excess, uint64_t surplus)
{
    struct arbiter *arbiter = round->arbiter;
    struct share_result result;

    for (size_t i = 0; i < round->count; i++)
        arbiter->claims[i] =
            facts_take_part(&round->vms[i]) ? giving_claim(round, i) : fixed_claim(0);
    shares_divide(arbiter->claims, round->count, budget_of(round, excess, surplus), SHARES_TAX,
                  &result);
    for (size_t i = 0; i < round->count; i++)
        arbiter->wants[i].goal = arbiter->claims[i].size;
    arbiter->missing = result.missing;
}

void round_divide_fairly(struct arbiter_round *round, uint64_t excess, uint64_t surplus)
{
    struct arbiter *arbiter = round->arbiter;
    struct share_result result;

    for (size_t i = 0; i < round->count; i++) {
        const struct arbiter_vm *vm = &round->vms[i];
        const struct arbiter_want *want = &arbiter->wants[i];
        bool wants_more = vm->lease > 0 && (vm->is_starved || facts_is_hungry(vm));

        arbiter->claims[i] =
            facts_take_part(vm) ? claim_of(vm, want, wants_more) : fixed_claim(want->holds);
    }
    shares_divide(arbiter->claims, round->count, budget_of(round, excess, surplus), SHARES_UNTAXED,
                  &result);
    for (size_t i = 0; i < round->count; i++)
        arbiter->wants[i].fair = arbiter->claims[i].size;
}

void round_divide_surplus(struct arbiter_round *round, uint64_t surplus)
{
    struct arbiter *arbiter = round->arbiter;
    struct share_result result;
    uint64_t budget = surplus;

    for (size_t i = 0; i < round->count; i++) {
        const struct arbiter_vm *vm = &round->vms[i];
        const struct arbiter_want *want = &arbiter->wants[i];

        arbiter->claims[i] = fixed_claim(0);
        if (!want->may_rise)
            continue;
        arbiter->claims[i] = claim_of(vm, want, true);
        arbiter->claims[i].active = facts_is_hungry(vm) ? vm->ram : facts_working(vm);
        arbiter->claims[i].floor = want->size;
        arbiter->claims[i].ceiling = facts_full_size(vm);
        budget += want->size;
    }
    shares_divide(arbiter->claims, round->count, budget, SHARES_TAX, &result);
    for (size_t i = 0; i < round->count; i++)
        arbiter->wants[i].goal = arbiter->claims[i].size;
}
