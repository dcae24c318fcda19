/* Methods that start actions: Compact, Reclaim, SetReporting, SetBalloon, ReleaseBalloon. Each is
 * answered when its action has ended. */
#ifndef VMRECLAIM_API_ACTION_SERVICE_H
#define VMRECLAIM_API_ACTION_SERVICE_H

#include "controller/actions/action.h"
#include "controller/api/api.h"

struct action_service {
    struct api *api;
    struct actions *actions;
};

/* Everything lives as long as the API. */
void action_service_init(struct action_service *service, struct api *api, struct actions *actions);

#endif
