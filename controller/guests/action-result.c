/* What an agent says of an action. */
#include "controller/guests/action-result.h"

#include "common/base/text.h"

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
    ret_result->message.asked_by = (char *)protobuf_c_empty_string;
}
