/* CPU time that actions cost in the last hour, in slots of five minutes. A slot counts whole until
 * all of it is older than an hour, so no hour ever costs more than the budget. */
#ifndef VMRECLAIM_AGENT_ENGINE_BUDGET_H
#define VMRECLAIM_AGENT_ENGINE_BUDGET_H

#include "common/base/time.h"

#define BUDGET_SLOTS 13

struct budget {
    nsec_t spent[BUDGET_SLOTS];
    uint64_t newest; /* number of the newest slot since boot */
};

void budget_charge(struct budget *budget, nsec_t now, nsec_t cpu);

/* What is left of `limit`; 0: nothing. */
nsec_t budget_left(const struct budget *budget, nsec_t now, nsec_t limit);

#endif
