/* What a fleet wants of this host. */
#include "controller/api/dispatch.h"
#include "controller/messages/text.h"

static void apply_desired(struct api_call *call, const ProtobufCMessage *request)
{
    Vmreclaim__Controller__V1__ApplyDesiredResponse response =
        VMRECLAIM__CONTROLLER__V1__APPLY_DESIRED_RESPONSE__INIT;
    Vmreclaim__Fleet__V1__Applied applied = VMRECLAIM__FLEET__V1__APPLIED__INIT;

    applied.refused = message_text("this host is in no fleet: its vmreclaimd knows none yet");
    applied.refused_ns = time_realtime();
    response.applied = &applied;
    api_call_finish(call, &response.base);
}

static const struct api_method rows[] = {
    {"ApplyDesired", apply_desired, API_CARRIES},
};

const struct api_methods api_desired_methods = {rows, ARRAY_SIZE(rows)};
