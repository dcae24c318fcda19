/* SetBalloon and ReleaseBalloon: leases as an operator asks for them, answered when the guest has
 * followed, does not follow, or a minute has passed. */
#ifndef VMRECLAIM_API_BALLOON_SERVICE_H
#define VMRECLAIM_API_BALLOON_SERVICE_H

#include "controller/api/actions.h"
#include "controller/leases/keeper.h"

struct api_balloon_service {
    struct api *api;
    struct lease_keeper *keeper;
    const struct api_action_recorder *recorder; /* NULL: nobody */
    struct list waits;                          /* calls that wait for a guest */
    uv_timer_t timer;                           /* runs while one does */
};

int api_balloon_service_init(struct api_balloon_service *service, struct api *api,
                             struct lease_keeper *keeper,
                             const struct api_action_recorder *recorder);
void api_balloon_service_stop(struct api_balloon_service *service);

#endif
