/* What an agent says of an action. */
#include "controller/guests/action-result.h"

#include "common/base/text.h"
#include "common/base/time.h"
#include "common/base/util.h"
#include "controller/guests/guest-memory.h"

#define TIME_MAX (24 * 3600 * NSEC_PER_SEC) /* no action takes longer */
#define CPUS_MAX 8192

/* Figures whose sums and differences do not overflow. */
static void bound_figures(Vmreclaim__Agent__V1__ActionResult *message)
{
    uint64_t *const bytes[] = {
        &message->free_before,     &message->free_after,     &message->trapped_before,
        &message->trapped_after,   &message->cache_before,   &message->cache_after,
        &message->reported_before, &message->reported_after,
    };

    for (size_t i = 0; i < ARRAY_SIZE(bytes); i++)
        *bytes[i] = min_of(*bytes[i], GUEST_MEMORY_MAX);
    message->pages_moved = min_of(message->pages_moved, GUEST_MEMORY_MAX);
    message->duration_ns = min_of(message->duration_ns, TIME_MAX);
    message->cpu_ns = min_of(message->cpu_ns, CPUS_MAX * TIME_MAX);
}

void bounded_result_take(const Vmreclaim__Agent__V1__ActionResult *said,
                         struct bounded_result *ret_result)
{
    ret_result->message = *said;
    ret_result->message.base.n_unknown_fields = 0;
    ret_result->message.base.unknown_fields = NULL;
    text_copy(ret_result->action_id, sizeof(ret_result->action_id), said->action_id);
    text_copy(ret_result->reason, sizeof(ret_result->reason), said->reason);
    ret_result->message.action_id = ret_result->action_id;
    ret_result->message.reason = ret_result->reason;
    bound_figures(&ret_result->message);
    ret_result->message.asked_by = (char *)protobuf_c_empty_string;
}
