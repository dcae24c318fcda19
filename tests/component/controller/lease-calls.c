/* An operator's calls about web-1's balloon. */
#include "tests/component/controller/lease-calls.h"

#include <string.h>

const Action *action_of(const struct fixture *f)
{
    return ((const Vmreclaim__Controller__V1__ActionResponse *)f->response)->action;
}

void set_balloon(struct fixture *f, uint64_t size, nsec_t duration)
{
    set_balloon_for(f, "tester", size, duration);
}

void set_balloon_for(struct fixture *f, const char *owner, uint64_t size, nsec_t duration)
{
    Vmreclaim__Controller__V1__SetBalloonRequest request =
        VMRECLAIM__CONTROLLER__V1__SET_BALLOON_REQUEST__INIT;

    request.vm = (char *)"web-1";
    request.size = size;
    request.duration_ns = duration;
    request.owner = (char *)owner;
    call(f, "SetBalloon", &request.base);
}

void release_balloon(struct fixture *f)
{
    Vmreclaim__Controller__V1__ReleaseBalloonRequest request =
        VMRECLAIM__CONTROLLER__V1__RELEASE_BALLOON_REQUEST__INIT;

    request.vm = (char *)"web-1";
    call(f, "ReleaseBalloon", &request.base);
}

void start_ready(struct fixture *f)
{
    start_managed(f);
    wait_for(f, get_vm(f, "web-1")->waterfall->guest_is_known);
}

void wait_for_sample(struct fixture *f)
{
    uint64_t sent = f->agent.sequence;

    wait_for(f, f->agent.sequence > sent);
    (void)get_vm(f, "web-1"); /* asked later, answered later */
}

uint64_t lease_of(struct fixture *f)
{
    const Vm *vm = get_vm(f, "web-1");

    return vm == NULL ? UINT64_MAX : vm->balloon_lease;
}

void restart_daemon(struct fixture *f)
{
    start_daemon(f, NULL);
    connect_api(f);
    wait_for(f, driver_says(f, "web-1", "ready"));
}

uint32_t lease_count(struct fixture *f)
{
    Vmreclaim__Controller__V1__GetStatusRequest request =
        VMRECLAIM__CONTROLLER__V1__GET_STATUS_REQUEST__INIT;

    call(f, "GetStatus", &request.base);
    return ((const Vmreclaim__Controller__V1__GetStatusResponse *)f->response)->leases;
}
