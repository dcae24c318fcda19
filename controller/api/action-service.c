/* Actions that operators order. */
#include "controller/api/action-service.h"

#include <stdio.h>

static void on_done(const struct action_end *end, void *userdata)
{
    Vmreclaim__Controller__V1__ActionResponse response =
        VMRECLAIM__CONTROLLER__V1__ACTION_RESPONSE__INIT;
    struct ttrpc_call *call = userdata;

    if (end->status < 0) {
        ttrpc_call_fail(call, ttrpc_code_of_errno(end->status), "%s", end->message);
        return;
    }
    response.action = (Vmreclaim__Controller__V1__Action *)end->record;
    ttrpc_call_finish(call, &response.base);
}

static void on_operator_gone(struct ttrpc_call *call, void *userdata)
{
    action_forget_asker(userdata);
}

static void start(struct action_service *service, struct ttrpc_call *call,
                  const struct api_caller *caller, const char *name, struct action_request *request)
{
    struct vm *vm = api_find_vm(service->api, call, name);
    struct action *action;
    struct error error;
    int r;

    if (vm == NULL)
        return;
    (void)snprintf(request->id, sizeof(request->id), "%s", caller->action);
    r = action_start(service->actions, vm, request, caller->name, on_done, call, &action, &error);
    if (r < 0)
        api_fail(call, r, &error);
    else
        ttrpc_call_on_cancel(call, on_operator_gone, action);
}

static void compact(struct ttrpc_call *call, const ProtobufCMessage *message,
                    const struct api_caller *caller, void *userdata)
{
    const Vmreclaim__Controller__V1__CompactVmRequest *asked = (const void *)message;
    struct action_request request = {
        .kind = &action_compact,
        .compact = {.time_limit = asked->time_limit_ns, .force = asked->force},
    };

    start(userdata, call, caller, asked->vm, &request);
}

static void reclaim(struct ttrpc_call *call, const ProtobufCMessage *message,
                    const struct api_caller *caller, void *userdata)
{
    const Vmreclaim__Controller__V1__ReclaimVmRequest *asked = (const void *)message;
    struct action_request request = {
        .kind = &action_reclaim,
        .reclaim = {.bytes = asked->bytes, .drop = asked->drop},
    };

    start(userdata, call, caller, asked->vm, &request);
}

static void set_reporting(struct ttrpc_call *call, const ProtobufCMessage *message,
                          const struct api_caller *caller, void *userdata)
{
    const Vmreclaim__Controller__V1__SetReportingVmRequest *asked = (const void *)message;
    struct action_request request = {
        .kind = &action_reporting,
        .reporting = {.set_order = asked->set_order,
                      .order = asked->order,
                      .restore = asked->restore,
                      .kick = asked->kick},
    };

    start(userdata, call, caller, asked->vm, &request);
}

static void set_balloon(struct ttrpc_call *call, const ProtobufCMessage *message,
                        const struct api_caller *caller, void *userdata)
{
    const Vmreclaim__Controller__V1__SetBalloonRequest *asked = (const void *)message;
    struct action_request request = {
        .kind = &action_balloon,
        .balloon = {.size = asked->size, .lifetime = asked->duration_ns},
    };

    (void)snprintf(request.balloon.owner, sizeof(request.balloon.owner), "%s",
                   asked->owner[0] != '\0' ? asked->owner : caller->name);
    start(userdata, call, caller, asked->vm, &request);
}

static void release_balloon(struct ttrpc_call *call, const ProtobufCMessage *message,
                            const struct api_caller *caller, void *userdata)
{
    const Vmreclaim__Controller__V1__ReleaseBalloonRequest *asked = (const void *)message;
    struct action_request request = {.kind = &action_release};

    start(userdata, call, caller, asked->vm, &request);
}

void action_service_init(struct action_service *service, struct api *api, struct actions *actions)
{
    *service = (struct action_service){.api = api, .actions = actions};
    api_serve(api, "Compact", compact, service);
    api_serve(api, "Reclaim", reclaim, service);
    api_serve(api, "SetReporting", set_reporting, service);
    api_serve(api, "SetBalloon", set_balloon, service);
    api_serve(api, "ReleaseBalloon", release_balloon, service);
}
