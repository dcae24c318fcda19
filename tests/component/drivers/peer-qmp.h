/* What the peers with the scripted QMP server have in common. */
#ifndef VMRECLAIM_TESTS_COMPONENT_DRIVERS_PEER_QMP_H
#define VMRECLAIM_TESTS_COMPONENT_DRIVERS_PEER_QMP_H

#include "tests/component/controller/qmp-server.h"
#include "tests/component/drivers/peer.h"

struct peer {
    struct qmp_server server;
    char path[64];
};

struct peer *qmp_peer_create(uv_loop_t *loop);
void qmp_peer_stop(struct peer *peer);
void qmp_peer_destroy(struct peer *peer);

/* The address is `prefix` and the socket's path. Faults of a session that is up are for `arm`. */
void qmp_peer_start(struct peer *peer, enum peer_fault fault, const char *prefix, char *address,
                    size_t size);

/* Of PEER_ABSENT: it would work. */
enum qmp_server_fault qmp_peer_fault(enum peer_fault fault);

#endif
