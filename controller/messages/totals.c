/* Sums as messages. */
#include "controller/messages/totals.h"

#include "controller/messages/text.h"

static void fill(const struct total *total, size_t kind, struct totals_messages *messages)
{
    size_t i = messages->count++;
    Vmreclaim__Controller__V1__ActionTotals *message = &messages->kinds[i];

    vmreclaim__controller__v1__action_totals__init(message);
    message->kind = message_text(total_kind_names[kind]);
    message->bytes_asked = total->asked;
    message->guest_freed = total->freed;
    message->host_returned = total->returned;
    message->host_lost = total->lost;
    message->outcomes = messages->outcome_pointers[i];
    for (size_t outcome = 0; outcome < TOTAL_OUTCOME_COUNT; outcome++) {
        Vmreclaim__Controller__V1__OutcomeCount *count = &messages->outcomes[i][outcome];

        if (total->outcomes[outcome] == 0)
            continue;
        vmreclaim__controller__v1__outcome_count__init(count);
        count->outcome = message_text(total_outcome_names[outcome]);
        count->count = total->outcomes[outcome];
        message->outcomes[message->n_outcomes++] = count;
    }
    messages->pointers[i] = message;
}

void totals_to_messages(const struct totals *totals, struct totals_messages *messages)
{
    messages->count = 0;
    for (size_t kind = 0; totals != NULL && kind < TOTAL_KIND_COUNT; kind++)
        if (total_count(&totals->kinds[kind]) > 0)
            fill(&totals->kinds[kind], kind, messages);
}
