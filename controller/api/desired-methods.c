/* What a fleet wants of this host. */
#include "controller/api/dispatch.h"
#include "controller/desired/keeper.h"

static void on_done(int status, const struct error *error, void *userdata)
{
    Vmreclaim__Controller__V1__ApplyDesiredResponse response =
        VMRECLAIM__CONTROLLER__V1__APPLY_DESIRED_RESPONSE__INIT;
    struct api_call *call = userdata;
    Applied applied;

    if (status < 0) {
        api_call_fail_error(call, status, error);
        return;
    }
    desired_keeper_show(call->api->rooms.desired, &applied);
    response.applied = &applied;
    api_call_finish(call, &response.base);
}

static void apply_desired(struct api_call *call, const ProtobufCMessage *request)
{
    const Vmreclaim__Controller__V1__ApplyDesiredRequest *asked = (const void *)request;

    desired_hand_in(call->api->rooms.desired, call->caller.name, asked->state.data,
                    asked->state.len, on_done, call);
}

static const struct api_method rows[] = {
    {"ApplyDesired", apply_desired, API_CARRIES},
};

const struct api_methods api_desired_methods = {rows, ARRAY_SIZE(rows)};
