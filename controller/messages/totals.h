/* Sums over a VM's actions as messages. */
#ifndef VMRECLAIM_CONTROLLER_MESSAGES_TOTALS_H
#define VMRECLAIM_CONTROLLER_MESSAGES_TOTALS_H

#include "controller.pb-c.h"
#include "controller/telemetry/totals.h"

/* What the messages point to; lives until they are sent. */
struct totals_messages {
    Vmreclaim__Controller__V1__ActionTotals kinds[TOTAL_KIND_COUNT];
    Vmreclaim__Controller__V1__ActionTotals *pointers[TOTAL_KIND_COUNT];
    Vmreclaim__Controller__V1__OutcomeCount outcomes[TOTAL_KIND_COUNT][TOTAL_OUTCOME_COUNT];
    Vmreclaim__Controller__V1__OutcomeCount
        *outcome_pointers[TOTAL_KIND_COUNT][TOTAL_OUTCOME_COUNT];
    size_t count; /* kinds of which there were any */
};

/* `totals` NULL: there was none. */
void totals_to_messages(const struct totals *totals, struct totals_messages *messages);

#endif
