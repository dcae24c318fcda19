/* The scripted QMP server as a peer that vmreclaim has for itself. */
#include "tests/component/drivers/peer-qmp.h"

static void start(struct peer *peer, enum peer_fault fault, char *address, size_t size)
{
    qmp_peer_start(peer, fault, "qemu:", address, size);
}

static void arm(struct peer *peer, enum peer_fault fault)
{
    peer->server.fault = qmp_peer_fault(fault);
}

static void release(struct peer *peer)
{
    qmp_server_release(&peer->server);
}

static void cut(struct peer *peer)
{
    qmp_server_drop_client(&peer->server);
}

static void cause(struct peer *peer, enum driver_event event)
{
    static const char *const names[] = {
        [DRIVER_EVENT_RESET] = "RESET",
        [DRIVER_EVENT_PAUSED] = "STOP",
        [DRIVER_EVENT_RESUMED] = "RESUME",
        [DRIVER_EVENT_SHUTDOWN] = "SHUTDOWN",
        [DRIVER_EVENT_BALLOON] = "BALLOON_CHANGE",
        [DRIVER_EVENT_MIGRATION] = "MIGRATION",
        [DRIVER_EVENT_MEMORY_CHANGED] = "MEMORY_DEVICE_SIZE_CHANGE",
    };

    qmp_server_event(&peer->server, names[event], NULL);
}

const struct peer_kind peer_kind = {
    .driver = "qemu",
    .faults = 0x7ff, /* all */
    .events = 0x7f,  /* up to DRIVER_EVENT_MEMORY_CHANGED */
    .capabilities = DRIVER_TELLS_EVENTS | DRIVER_CAN_SET_BALLOON | DRIVER_CAN_READ_STATISTICS |
                    DRIVER_CAN_SET_STATISTICS_INTERVAL | DRIVER_TELLS_MEMORY_MAP,
    .is_there = true,
    .create = qmp_peer_create,
    .stop = qmp_peer_stop,
    .destroy = qmp_peer_destroy,
    .start = start,
    .arm = arm,
    .release = release,
    .cut = cut,
    .cause = cause,
};
