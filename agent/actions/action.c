/* The words for an action's end. */
#include "agent/actions/action.h"

#include <assert.h>

const char *action_end_name(enum action_end end)
{
    static const char *const names[ACTION_END_COUNT] = {
        [ACTION_DONE] = "done",
        [ACTION_NOTHING_TO_DO] = "nothing to do",
        [ACTION_TIME_LIMIT] = "stopped at its time limit",
        [ACTION_PRESSURE] = "stopped by pressure",
        [ACTION_BUSY] = "stopped by activity",
        [ACTION_CANCELLED] = "cancelled",
        [ACTION_NOT_SUPPORTED] = "not supported",
        [ACTION_FORBIDDEN] = "forbidden",
        [ACTION_FAILED] = "failed",
    };

    assert(end < ACTION_END_COUNT);
    return names[end];
}
