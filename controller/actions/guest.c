/* What a guest's agent does on order: compact, reclaim, reporting. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/base/util.h"
#include "common/message/copy.h"
#include "controller/actions/machine.h"
#include "controller/guests/action-result.h"
#include "controller/vms/agent.h"
#include "controller/vms/announce.h"

#define CALL_TIMEOUT     (60 * NSEC_PER_SEC)
#define CALL_TIMEOUT_MAX (3600 * NSEC_PER_SEC)

typedef Vmreclaim__Agent__V1__ActionResult ActionResult;

/* ---- the agent's answer ---- */

/* The one field that all answers to actions have. */
static const ActionResult *result_of(const ProtobufCMessage *response)
{
    if (response->descriptor == &vmreclaim__agent__v1__compact_response__descriptor)
        return ((const Vmreclaim__Agent__V1__CompactResponse *)response)->result;
    if (response->descriptor == &vmreclaim__agent__v1__reclaim_cache_response__descriptor)
        return ((const Vmreclaim__Agent__V1__ReclaimCacheResponse *)response)->result;
    return ((const Vmreclaim__Agent__V1__SetReportingResponse *)response)->result;
}

/* Whether the guest has done something that its kernel may still be reporting. */
static bool may_return_memory(const struct action *action)
{
    const ActionResult *result = action->guest;

    if (action->request.kind == &action_reporting &&
        (action->request.reporting.restore || action->request.reporting.end_while))
        return false;
    return result->outcome != VMRECLAIM__AGENT__V1__OUTCOME__OUTCOME_NOTHING_TO_DO &&
           result->outcome != VMRECLAIM__AGENT__V1__OUTCOME__OUTCOME_NOT_SUPPORTED &&
           result->outcome != VMRECLAIM__AGENT__V1__OUTCOME__OUTCOME_FORBIDDEN_BY_POLICY;
}

static void on_result(const struct ttrpc_result *result, void *userdata)
{
    struct action *action = userdata;
    struct bounded_result bounded;
    const ActionResult *guest;

    action->client = NULL;
    if (result->code != TTRPC_OK) {
        struct error error;
        int r = agent_failure(action->vm, result, &error);

        if (ttrpc_result_is_open(result))
            (void)error_append(&error, r, "; what it had begun may still go on in the guest");
        action_fail(action, r, error.text);
        return;
    }
    guest = result_of(result->response);
    if (guest != NULL) {
        bounded_result_take(guest, &bounded);
        action->guest = (ActionResult *)message_copy(&bounded.message.base);
    }
    if (action->guest == NULL)
        action_fail(action, -EIO, "the agent answered without a result");
    else
        action_acted(action, may_return_memory(action));
}

/* ---- asking ---- */

/* What is asked without a limit has the policy's. The agent ends it before the call's own end. */
static int ask(struct action *action, const char *method, const ProtobufCMessage *request,
               nsec_t time_limit, struct error *error)
{
    struct vm *vm = action->vm;
    const struct policy *policy = vm->assigned.policy;
    nsec_t limit = time_limit != 0 || policy == NULL ? time_limit : policy->compact_time_limit;
    nsec_t timeout = CALL_TIMEOUT + min_of(limit, CALL_TIMEOUT_MAX);
    int r = vm->links.agent == NULL ? -ENOTCONN
                                    : agent_link_call(vm->links.agent, method, request, timeout,
                                                      NULL, on_result, action, &action->client);

    return r < 0 ? error_set(error, -ENOTCONN, "the agent of VM '%s' cannot be asked: %s", vm->name,
                             strerror(-r))
                 : 0;
}

static void call_off(struct action *action)
{
    if (action->client != NULL)
        ttrpc_client_call_cancel(action->client);
    action->client = NULL;
}

/* Two reporting passes without a fall; the kernel reports a whole idle guest in 30 s. */
static const struct action_means by_the_guest = {
    .interval = 500 * NSEC_PER_MSEC,
    .settle_quiet = 5 * NSEC_PER_SEC,
    .settle_max = 45 * NSEC_PER_SEC,
    .call_off = call_off,
};

/* ---- the kinds ---- */

static int compact(struct action *action, struct error *error)
{
    Vmreclaim__Agent__V1__CompactRequest request = VMRECLAIM__AGENT__V1__COMPACT_REQUEST__INIT;

    request.action_id = action->request.id;
    request.asked_by = action->asked_by;
    request.time_limit_ns = action->request.compact.time_limit;
    request.force = action->request.compact.force;
    return ask(action, "Compact", &request.base, request.time_limit_ns, error);
}

static int reclaim(struct action *action, struct error *error)
{
    Vmreclaim__Agent__V1__ReclaimCacheRequest request =
        VMRECLAIM__AGENT__V1__RECLAIM_CACHE_REQUEST__INIT;

    request.action_id = action->request.id;
    request.asked_by = action->asked_by;
    request.bytes = action->request.reclaim.bytes;
    request.drop = action->request.reclaim.drop;
    request.time_limit_ns = action->request.reclaim.time_limit;
    return ask(action, "ReclaimCache", &request.base, request.time_limit_ns, error);
}

static uint64_t asked_of_reclaim(const struct action *action)
{
    return action->request.reclaim.bytes;
}

static int set_reporting(struct action *action, struct error *error)
{
    Vmreclaim__Agent__V1__SetReportingRequest request =
        VMRECLAIM__AGENT__V1__SET_REPORTING_REQUEST__INIT;

    request.action_id = action->request.id;
    request.asked_by = action->asked_by;
    request.set_order = action->request.reporting.set_order;
    request.order = action->request.reporting.order;
    request.duration_ns = action->request.reporting.duration;
    request.restore = action->request.reporting.restore;
    request.end_while = action->request.reporting.end_while;
    request.kick = action->request.reporting.kick;
    return ask(action, "SetReporting", &request.base, 0, error);
}

const struct action_kind action_compact = {
    .name = "compact", .means = &by_the_guest, .check = vm_may_command, .act = compact};
const struct action_kind action_reclaim = {.name = "reclaim",
                                           .means = &by_the_guest,
                                           .asked = asked_of_reclaim,
                                           .check = vm_may_command,
                                           .act = reclaim};
const struct action_kind action_reporting = {
    .name = "reporting", .means = &by_the_guest, .check = vm_may_command, .act = set_reporting};
