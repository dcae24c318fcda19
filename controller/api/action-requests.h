/* Actions as they are asked for in messages, for the methods that start them or plan them. */
#ifndef VMRECLAIM_CONTROLLER_API_ACTION_REQUESTS_H
#define VMRECLAIM_CONTROLLER_API_ACTION_REQUESTS_H

#include "controller.pb-c.h"
#include "controller/actions/squeeze.h"

struct action_request compact_request(const Vmreclaim__Controller__V1__CompactVmRequest *asked);
struct action_request reclaim_request(const Vmreclaim__Controller__V1__ReclaimVmRequest *asked);
struct action_request pulse_request(const Vmreclaim__Controller__V1__PulseVmRequest *asked);

/* Without an owner in it, the lease is the user's. */
struct action_request balloon_request_of(const Vmreclaim__Controller__V1__SetBalloonRequest *asked,
                                         const char *user);

struct squeeze_asked squeeze_asked_of(const Vmreclaim__Controller__V1__SqueezeVmsRequest *asked);

#endif
