/* The scripted QMP server as a peer. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/component/controller/qmp-server.h"
#include "tests/component/drivers/peer.h"

struct peer {
    struct qmp_server server;
    char path[64];
};

static unsigned count;

static struct peer *create(uv_loop_t *loop)
{
    struct peer *peer = calloc(1, sizeof(*peer));

    if (peer == NULL)
        abort();
    snprintf(peer->path, sizeof(peer->path), "/tmp/vmreclaim-contract-%d-%u.qmp", (int)getpid(),
             count++);
    qmp_server_init(&peer->server, loop);
    return peer;
}

static void stop(struct peer *peer)
{
    qmp_server_close(&peer->server);
    (void)unlink(peer->path);
}

static void destroy(struct peer *peer)
{
    free(peer);
}

static enum qmp_server_fault first_fault(enum peer_fault fault)
{
    switch (fault) {
    case PEER_SILENT:
        return QMP_SERVER_SILENT;
    case PEER_GARBAGE:
        return QMP_SERVER_GARBAGE;
    case PEER_OVERSIZED:
        return QMP_SERVER_OVERSIZED;
    case PEER_HANGS_UP:
        return QMP_SERVER_HANGS_UP;
    default:
        return QMP_SERVER_WORKS;
    }
}

static void start(struct peer *peer, enum peer_fault fault, char *address, size_t size)
{
    snprintf(address, size, "qemu:%s", peer->path);
    peer->server.fault = first_fault(fault);
    if (fault != PEER_ABSENT && qmp_server_listen(&peer->server, peer->path) < 0)
        abort();
}

static void arm(struct peer *peer, enum peer_fault fault)
{
    static const enum qmp_server_fault faults[] = {
        [PEER_REFUSES] = QMP_SERVER_REFUSES, [PEER_DEAF] = QMP_SERVER_DEAF,
        [PEER_LATE] = QMP_SERVER_LATE,       [PEER_CLOSES] = QMP_SERVER_CLOSES,
        [PEER_GARBLES] = QMP_SERVER_GARBLES,
    };

    peer->server.fault = faults[fault];
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
    .create = create,
    .stop = stop,
    .destroy = destroy,
    .start = start,
    .arm = arm,
    .release = release,
    .cut = cut,
    .cause = cause,
};
