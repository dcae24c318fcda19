/* CPU time that actions cost in the last hour. */
#include "agent/engine/budget.h"

#include <assert.h>
#include <string.h>

#include "common/base/number.h"

#define SLOT_LENGTH (300 * NSEC_PER_SEC)

static void advance(struct budget *budget, uint64_t slot)
{
    if (slot >= budget->newest + BUDGET_SLOTS)
        memset(budget->spent, 0, sizeof(budget->spent));
    else
        for (uint64_t i = budget->newest + 1; i <= slot; i++)
            budget->spent[i % BUDGET_SLOTS] = 0;
    if (slot > budget->newest)
        budget->newest = slot;
}

void budget_charge(struct budget *budget, nsec_t now, nsec_t cpu)
{
    advance(budget, now / SLOT_LENGTH);
    assert(budget->newest >= now / SLOT_LENGTH);
    budget->spent[budget->newest % BUDGET_SLOTS] += cpu;
}

nsec_t budget_left(const struct budget *budget, nsec_t now, nsec_t limit)
{
    struct budget current = *budget;
    nsec_t sum = 0;

    advance(&current, now / SLOT_LENGTH);
    for (unsigned i = 0; i < BUDGET_SLOTS; i++)
        sum += current.spent[i];
    assert(current.newest >= budget->newest);
    return saturating_subtract(limit, sum);
}
