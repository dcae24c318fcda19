/* The strict fake of Cloud Hypervisor as a peer. */
#include "tests/component/drivers/peer-microvm.h"

static struct peer *create(uv_loop_t *loop)
{
    struct peer *peer = microvm_create(loop);

    peer->http = &peer->cloud.http;
    peer->refuses = &peer->cloud.refuses;
    peer->cloud.has_balloon_stats = true;
    return peer;
}

/* Each question has a connection of its own: there is none to cut. */
const struct peer_kind peer_kind = {
    .driver = "cloud-hypervisor",
    .faults = 0x7ff, /* all */
    .capabilities = DRIVER_CAN_SET_BALLOON | DRIVER_CAN_READ_STATISTICS,
    .asks_in_turn = true,
    .create = create,
    .stop = microvm_stop,
    .destroy = microvm_destroy,
    .start = microvm_start,
    .arm = microvm_arm,
    .release = microvm_release,
};
