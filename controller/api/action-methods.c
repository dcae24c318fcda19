/* Methods that start actions. */
#include "controller/actions/action.h"
#include "controller/api/action-requests.h"
#include "controller/api/dispatch.h"

#include <stdio.h>
#include <string.h>

static void on_done(const struct action_end *end, void *userdata)
{
    Vmreclaim__Controller__V1__ActionResponse response =
        VMRECLAIM__CONTROLLER__V1__ACTION_RESPONSE__INIT;
    struct api_call *call = userdata;

    if (end->status < 0) {
        api_call_fail(call, end->status, "%s", end->message);
        return;
    }
    response.action = (Vmreclaim__Controller__V1__Action *)end->record;
    api_call_finish(call, &response.base);
}

static void on_operator_gone(struct api_call *call, void *userdata)
{
    action_forget_asker(userdata);
}

/* The call is answered when the action has ended. */
static void start(struct api_call *call, const char *name, struct action_request *request)
{
    struct vm *vm = api_find_vm(call, name);
    struct action *action;
    struct error error;
    int r;

    if (vm == NULL)
        return;
    snprintf(request->id, sizeof(request->id), "%s", call->action);
    memcpy(request->program, call->caller.program, sizeof(request->program));
    r = action_start(call->api->rooms.actions, vm, request, call->caller.name, on_done, call,
                     &action, &error);
    if (r < 0)
        api_call_fail_error(call, r, &error);
    else
        api_call_on_gone(call, on_operator_gone, action);
}

static void compact(struct api_call *call, const ProtobufCMessage *message)
{
    const Vmreclaim__Controller__V1__CompactVmRequest *asked = (const void *)message;
    struct action_request request = compact_request(asked);

    start(call, asked->vm, &request);
}

static void reclaim(struct api_call *call, const ProtobufCMessage *message)
{
    const Vmreclaim__Controller__V1__ReclaimVmRequest *asked = (const void *)message;
    struct action_request request = reclaim_request(asked);

    start(call, asked->vm, &request);
}

static void set_reporting(struct api_call *call, const ProtobufCMessage *message)
{
    const Vmreclaim__Controller__V1__SetReportingVmRequest *asked = (const void *)message;
    struct action_request request = {
        .kind = &action_reporting,
        .reporting = {.set_order = asked->set_order,
                      .order = asked->order,
                      .restore = asked->restore,
                      .kick = asked->kick},
    };

    start(call, asked->vm, &request);
}

static void set_balloon(struct api_call *call, const ProtobufCMessage *message)
{
    const Vmreclaim__Controller__V1__SetBalloonRequest *asked = (const void *)message;
    struct action_request request = balloon_request_of(asked, call->caller.name);

    start(call, asked->vm, &request);
}

static void release_balloon(struct api_call *call, const ProtobufCMessage *message)
{
    const Vmreclaim__Controller__V1__ReleaseBalloonRequest *asked = (const void *)message;
    struct action_request request = {.kind = &action_release};

    start(call, asked->vm, &request);
}

static void pulse(struct api_call *call, const ProtobufCMessage *message)
{
    const Vmreclaim__Controller__V1__PulseVmRequest *asked = (const void *)message;
    struct action_request request = pulse_request(asked);

    start(call, asked->vm, &request);
}

static const struct api_method rows[] = {
    {"Compact", compact, API_CONTROLS},
    {"Reclaim", reclaim, API_CONTROLS},
    {"SetReporting", set_reporting, API_CONTROLS},
    {"SetBalloon", set_balloon, API_CONTROLS},
    {"ReleaseBalloon", release_balloon, API_CONTROLS},
    {"Pulse", pulse, API_CONTROLS},
};

const struct api_methods api_action_methods = {rows, ARRAY_SIZE(rows)};
