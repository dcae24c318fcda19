/* One call for each verb. */
#include "controller/cli/fleet/ordering.h"

#include <stdio.h>

typedef Vmreclaim__Fleet__V1__OrderRolloutRequest Request;
typedef Vmreclaim__Fleet__V1__RolloutResponse Response;

static const char *reason = "";

static int print(const ProtobufCMessage *message, void *userdata)
{
    const Response *response = (const Response *)message;

    if (response->rollout == NULL)
        return fail(EXIT_FAILED, "the coordinator's answer has no rollout in it");
    printf("rollout ");
    print_text(response->rollout->id);
    printf(" of policy ");
    print_text(response->rollout->policy);
    printf(": %s\n", fleet_state_name(response->rollout->state));
    return EXIT_DONE;
}

int fleet_order(struct cli *cli, char *id, Vmreclaim__Fleet__V1__RolloutVerb verb)
{
    Request request = VMRECLAIM__FLEET__V1__ORDER_ROLLOUT_REQUEST__INIT;
    struct cli fleet = fleet_cli(cli);

    request.id = id;
    request.verb = verb;
    request.reason = (char *)reason;
    return client_call(&fleet, "OrderRollout", &request.base, print, NULL);
}

const struct command_option fleet_order_options[] = {
    {"reason", 0, OPTION_TEXT, "TEXT", "for its history", &reason, NULL},
    {NULL, 0, OPTION_FLAG, NULL, NULL, NULL, NULL},
};
