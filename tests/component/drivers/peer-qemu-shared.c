/* The scripted QMP server as a peer whose socket others use as well: vmreclaim only visits it. */
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
    snprintf(peer->path, sizeof(peer->path), "/tmp/vmreclaim-shared-%d-%u.qmp", (int)getpid(),
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

static enum qmp_server_fault fault_of(enum peer_fault fault)
{
    static const enum qmp_server_fault faults[] = {
        [PEER_WORKS] = QMP_SERVER_WORKS,         [PEER_ABSENT] = QMP_SERVER_WORKS,
        [PEER_SILENT] = QMP_SERVER_SILENT,       [PEER_GARBAGE] = QMP_SERVER_GARBAGE,
        [PEER_OVERSIZED] = QMP_SERVER_OVERSIZED, [PEER_HANGS_UP] = QMP_SERVER_HANGS_UP,
        [PEER_REFUSES] = QMP_SERVER_REFUSES,     [PEER_DEAF] = QMP_SERVER_DEAF,
        [PEER_CLOSES] = QMP_SERVER_CLOSES,       [PEER_GARBLES] = QMP_SERVER_GARBLES,
    };

    return faults[fault];
}

static void start(struct peer *peer, enum peer_fault fault, char *address, size_t size)
{
    snprintf(address, size, "qemu:shared:%s", peer->path);
    peer->server.fault = fault < PEER_REFUSES ? fault_of(fault) : QMP_SERVER_WORKS;
    if (fault != PEER_ABSENT && qmp_server_listen(&peer->server, peer->path) < 0)
        abort();
}

/* The next visit negotiates: that is no operation. */
static void on_command(struct qmp_server *server, const char *command, void *userdata)
{
    server->fault = fault_of((enum peer_fault)(uintptr_t)userdata);
}

static void arm(struct peer *peer, enum peer_fault fault)
{
    if (fault == PEER_DEAF) {
        peer->server.fault = QMP_SERVER_DEAF;
        return;
    }
    peer->server.on_command = on_command;
    peer->server.userdata = (void *)(uintptr_t)fault;
}

const struct peer_kind peer_kind = {
    .driver = "qemu",
    .faults = 1u << PEER_WORKS | 1u << PEER_ABSENT | 1u << PEER_SILENT | 1u << PEER_GARBAGE |
              1u << PEER_OVERSIZED | 1u << PEER_HANGS_UP | 1u << PEER_REFUSES | 1u << PEER_DEAF |
              1u << PEER_CLOSES | 1u << PEER_GARBLES,
    .capabilities = DRIVER_CAN_SET_BALLOON | DRIVER_CAN_READ_STATISTICS |
                    DRIVER_CAN_SET_STATISTICS_INTERVAL | DRIVER_TELLS_MEMORY_MAP,
    .create = create,
    .stop = stop,
    .destroy = destroy,
    .start = start,
    .arm = arm,
};
