/* The scripted QMP server as a peer. */
#include "tests/component/drivers/peer-qmp.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct peer *qmp_peer_create(uv_loop_t *loop)
{
    static unsigned count;
    struct peer *peer = calloc(1, sizeof(*peer));

    if (peer == NULL)
        abort();
    snprintf(peer->path, sizeof(peer->path), "/tmp/vmreclaim-contract-%d-%u.qmp", (int)getpid(),
             count++);
    qmp_server_init(&peer->server, loop);
    return peer;
}

void qmp_peer_stop(struct peer *peer)
{
    qmp_server_close(&peer->server);
    (void)unlink(peer->path);
}

void qmp_peer_destroy(struct peer *peer)
{
    free(peer);
}

enum qmp_server_fault qmp_peer_fault(enum peer_fault fault)
{
    static const enum qmp_server_fault faults[] = {
        [PEER_WORKS] = QMP_SERVER_WORKS,         [PEER_ABSENT] = QMP_SERVER_WORKS,
        [PEER_SILENT] = QMP_SERVER_SILENT,       [PEER_GARBAGE] = QMP_SERVER_GARBAGE,
        [PEER_OVERSIZED] = QMP_SERVER_OVERSIZED, [PEER_HANGS_UP] = QMP_SERVER_HANGS_UP,
        [PEER_REFUSES] = QMP_SERVER_REFUSES,     [PEER_DEAF] = QMP_SERVER_DEAF,
        [PEER_LATE] = QMP_SERVER_LATE,           [PEER_CLOSES] = QMP_SERVER_CLOSES,
        [PEER_GARBLES] = QMP_SERVER_GARBLES,
    };

    return faults[fault];
}

void qmp_peer_start(struct peer *peer, enum peer_fault fault, const char *prefix, char *address,
                    size_t size)
{
    snprintf(address, size, "%s%s", prefix, peer->path);
    peer->server.fault = fault < PEER_REFUSES ? qmp_peer_fault(fault) : QMP_SERVER_WORKS;
    if (fault != PEER_ABSENT && qmp_server_listen(&peer->server, peer->path) < 0)
        abort();
}
