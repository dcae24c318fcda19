/* The scripted QMP server as a peer whose socket others use as well: vmreclaim only visits it. */
#include "tests/component/drivers/peer-qmp.h"

static void start(struct peer *peer, enum peer_fault fault, char *address, size_t size)
{
    qmp_peer_start(peer, fault, "qemu:shared:", address, size);
}

static void arm(struct peer *peer, enum peer_fault fault)
{
    peer->server.fault = qmp_peer_fault(fault);
}

/* Between two visits nothing is sent for a while. */
static unsigned unanswered(const struct peer *peer)
{
    return peer->server.unanswered;
}

const struct peer_kind peer_kind = {
    .driver = "qemu",
    .faults = 1u << PEER_WORKS | 1u << PEER_ABSENT | 1u << PEER_SILENT | 1u << PEER_GARBAGE |
              1u << PEER_OVERSIZED | 1u << PEER_HANGS_UP | 1u << PEER_REFUSES | 1u << PEER_DEAF |
              1u << PEER_CLOSES | 1u << PEER_GARBLES,
    .capabilities = DRIVER_CAN_SET_BALLOON | DRIVER_CAN_READ_STATISTICS |
                    DRIVER_CAN_SET_STATISTICS_INTERVAL | DRIVER_TELLS_MEMORY_MAP,
    .create = qmp_peer_create,
    .stop = qmp_peer_stop,
    .destroy = qmp_peer_destroy,
    .start = start,
    .arm = arm,
    .unanswered = unanswered,
};
