/* Messages as requests. */
#include "controller/api/action-requests.h"

#include "common/base/text.h"

struct action_request compact_request(const Vmreclaim__Controller__V1__CompactVmRequest *asked)
{
    return (struct action_request){
        .kind = &action_compact,
        .compact = {.time_limit = asked->time_limit_ns, .force = asked->force},
    };
}

struct action_request reclaim_request(const Vmreclaim__Controller__V1__ReclaimVmRequest *asked)
{
    return (struct action_request){
        .kind = &action_reclaim,
        .reclaim = {.bytes = asked->bytes, .drop = asked->drop},
    };
}

struct action_request pulse_request(const Vmreclaim__Controller__V1__PulseVmRequest *asked)
{
    return (struct action_request){
        .kind = &action_pulse,
        .pulse = {.headroom = asked->headroom, .min_gain = asked->min_gain},
    };
}

struct action_request balloon_request_of(const Vmreclaim__Controller__V1__SetBalloonRequest *asked,
                                         const char *user)
{
    struct action_request request = {
        .kind = &action_balloon,
        .balloon = {.size = asked->size, .lifetime = asked->duration_ns},
    };

    text_copy_line(request.owner, sizeof(request.owner),
                   asked->owner[0] != '\0' ? asked->owner : user);
    return request;
}

struct squeeze_asked squeeze_asked_of(const Vmreclaim__Controller__V1__SqueezeVmsRequest *asked)
{
    return (struct squeeze_asked){
        .size = asked->size,
        .time_limit = asked->time_limit_ns,
        .drop = asked->drop,
        .hold = asked->hold,
        .hold_time = asked->hold_ns,
    };
}
