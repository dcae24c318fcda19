/* The scripted API server's actions and their records. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/number.h"
#include "common/base/util.h"
#include "controller.pb-c.h"
#include "tests/component/cli/api-server.h"

typedef Vmreclaim__Controller__V1__Action Action;
typedef Vmreclaim__Agent__V1__ActionResult ActionResult;

static void answer_action(struct ttrpc_call *call, const char *vm, const char *kind,
                          const char *why)
{
    Vmreclaim__Controller__V1__ActionResponse response =
        VMRECLAIM__CONTROLLER__V1__ACTION_RESPONSE__INIT;
    Action action = VMRECLAIM__CONTROLLER__V1__ACTION__INIT;
    ActionResult guest = VMRECLAIM__AGENT__V1__ACTION_RESULT__INIT;

    guest.outcome = VMRECLAIM__AGENT__V1__OUTCOME__OUTCOME_DONE;
    if (strcmp(vm, "slow") == 0)
        guest.outcome = VMRECLAIM__AGENT__V1__OUTCOME__OUTCOME_STOPPED_TIME_LIMIT;
    if (strcmp(vm, "forbidden") == 0)
        guest.outcome = VMRECLAIM__AGENT__V1__OUTCOME__OUTCOME_FORBIDDEN_BY_POLICY;
    guest.trapped_before = 500 * MIB;
    guest.trapped_after = 20 * MIB;
    action.id = (char *)"a-17";
    action.vm = (char *)vm;
    action.kind = (char *)kind;
    action.guest = &guest;
    action.duration_ns = 1500000000;
    action.footprint_before = 2048 * MIB;
    action.footprint_after = 1600 * MIB;
    action.host_returned = 448 * MIB;
    if (strcmp(vm, "stalled") == 0) {
        action.guest = NULL;
        action.reason = (char *)"the guest does not give more";
    }
    action.confidence = VMRECLAIM__CONTROLLER__V1__CONFIDENCE__CONFIDENCE_HIGH;
    action.why = (char *)why;
    response.action = &action;
    ttrpc_call_finish(call, &response.base);
}

void compact(struct ttrpc_call *call, const ProtobufCMessage *message, void *userdata)
{
    const Vmreclaim__Controller__V1__CompactVmRequest *request = (const void *)message;
    char why[128];

    if (play(call, request->vm))
        return;
    snprintf(why, sizeof(why), "time_limit=%" PRIu64 " force=%d", request->time_limit_ns,
             request->force);
    answer_action(call, request->vm, "compact", why);
}

void reclaim(struct ttrpc_call *call, const ProtobufCMessage *message, void *userdata)
{
    const Vmreclaim__Controller__V1__ReclaimVmRequest *request = (const void *)message;
    char why[128];

    if (play(call, request->vm))
        return;
    snprintf(why, sizeof(why), "bytes=%" PRIu64 " drop=%d", request->bytes, request->drop);
    answer_action(call, request->vm, "reclaim", why);
}

void set_reporting(struct ttrpc_call *call, const ProtobufCMessage *message, void *userdata)
{
    const Vmreclaim__Controller__V1__SetReportingVmRequest *request = (const void *)message;
    char why[128];

    if (play(call, request->vm))
        return;
    snprintf(why, sizeof(why), "set=%d order=%u restore=%d kick=%d", request->set_order,
             request->order, request->restore, request->kick);
    answer_action(call, request->vm, "reporting", why);
}

void set_balloon(struct ttrpc_call *call, const ProtobufCMessage *message, void *userdata)
{
    const Vmreclaim__Controller__V1__SetBalloonRequest *request = (const void *)message;
    char why[128];

    if (play(call, request->vm))
        return;
    snprintf(why, sizeof(why), "size=%" PRIu64 " duration=%" PRIu64 " owner=%s", request->size,
             request->duration_ns, request->owner);
    answer_action(call, request->vm, "balloon", why);
}

void release_balloon(struct ttrpc_call *call, const ProtobufCMessage *message, void *userdata)
{
    const Vmreclaim__Controller__V1__ReleaseBalloonRequest *request = (const void *)message;

    if (!play(call, request->vm))
        answer_action(call, request->vm, "release", "");
}

void fill_action(Action *action)
{
    vmreclaim__controller__v1__action__init(action);
    action->id = (char *)"a-17";
    action->vm = (char *)"web1";
    action->kind = (char *)"compact";
    action->asked_by = (char *)"alice";
    action->started_ns = 1700000000000000000;
    action->footprint_before = GIB;
    action->host_returned = -(int64_t)(2 * MIB);
    action->reason_code = (char *)"guest-busy";
    action->finished = 1;
}

/* A step of a guest's own run that brought little. */
static void answer_stuck(struct ttrpc_call *call)
{
    Vmreclaim__Controller__V1__ActionResponse response =
        VMRECLAIM__CONTROLLER__V1__ACTION_RESPONSE__INIT;
    Vmreclaim__Controller__V1__Evidence evidence[2];
    Vmreclaim__Controller__V1__Evidence *pointers[] = {&evidence[0], &evidence[1]};
    Action action;

    for (size_t i = 0; i < ARRAY_SIZE(evidence); i++)
        vmreclaim__controller__v1__evidence__init(&evidence[i]);
    evidence[0].name = (char *)"trapped";
    evidence[0].value = 200 * (int64_t)MIB;
    evidence[0].unit = (char *)"bytes";
    evidence[1].name = (char *)"unmovable_blocks";
    evidence[1].value = 17;
    evidence[1].unit = (char *)"count";
    fill_action(&action);
    action.id = (char *)"a-18";
    action.reason = (char *)"It is free in pieces.";
    action.evidence = pointers;
    action.n_evidence = 2;
    action.share = 1;
    action.share_of = 4;
    response.action = &action;
    ttrpc_call_finish(call, &response.base);
}

static void answer_interrupted(struct ttrpc_call *call)
{
    Vmreclaim__Controller__V1__ActionResponse response =
        VMRECLAIM__CONTROLLER__V1__ACTION_RESPONSE__INIT;
    Action action;

    fill_action(&action);
    action.footprint_before = 0;
    action.reason_code = (char *)"";
    action.reason = (char *)"interrupted";
    response.action = &action;
    ttrpc_call_finish(call, &response.base);
}

void verify_action(struct ttrpc_call *call, const ProtobufCMessage *message, void *userdata)
{
    const Vmreclaim__Controller__V1__VerifyActionRequest *request = (const void *)message;

    if (strcmp(request->id, "a-17") == 0)
        answer_action(call, "web1", "compact", "");
    else if (strcmp(request->id, "a-18") == 0)
        answer_stuck(call);
    else if (strcmp(request->id, "a-19") == 0)
        answer_interrupted(call);
    else
        ttrpc_call_fail(call, TTRPC_NOT_FOUND, "no action \"%s\"", request->id);
}

void list_actions(struct ttrpc_call *call, const ProtobufCMessage *message, void *userdata)
{
    const Vmreclaim__Controller__V1__ListActionsRequest *request = (const void *)message;
    Vmreclaim__Controller__V1__ListActionsResponse response =
        VMRECLAIM__CONTROLLER__V1__LIST_ACTIONS_RESPONSE__INIT;
    Action action;
    Action *actions[] = {&action};
    char next[32];

    fill_action(&action);
    response.actions = actions;
    response.n_actions = strcmp(request->vm, "web2") == 0 ? 0 : 1;
    if (strcmp(request->vm, "many") == 0) { /* one a page, without end */
        snprintf(next, sizeof(next), "%d", atoi(request->page_token) + 1);
        response.next_page_token = next;
    } else if (strcmp(request->vm, "mad") == 0)
        response.next_page_token = (char *)"again";
    ttrpc_call_finish(call, &response.base);
}
