/* Fakes of microVMs as peers. */
#include "tests/component/drivers/peer-microvm.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct peer *microvm_create(uv_loop_t *loop)
{
    static unsigned count;
    struct peer *peer = calloc(1, sizeof(*peer));

    if (peer == NULL)
        abort();
    snprintf(peer->path, sizeof(peer->path), "/tmp/vmreclaim-contract-%d-%u.sock", (int)getpid(),
             count++);
    fake_firecracker_init(&peer->firecracker, loop);
    fake_cloud_hypervisor_init(&peer->cloud, loop);
    peer->firecracker.id = "web-1";
    return peer;
}

void microvm_stop(struct peer *peer)
{
    micro_http_close(peer->http);
    (void)unlink(peer->path);
}

void microvm_destroy(struct peer *peer)
{
    free(peer);
}

static enum micro_http_fault http_fault(enum peer_fault fault)
{
    switch (fault) {
    case PEER_GARBAGE:
    case PEER_GARBLES:
        return MICRO_HTTP_GARBAGE;
    case PEER_OVERSIZED:
        return MICRO_HTTP_BODY_ENDLESS;
    case PEER_HANGS_UP:
    case PEER_CLOSES:
        return MICRO_HTTP_HANGS_UP;
    default:
        return MICRO_HTTP_WORKS;
    }
}

void microvm_start(struct peer *peer, enum peer_fault fault, char *address, size_t size)
{
    bool is_at_once = fault <= PEER_HANGS_UP;

    snprintf(address, size, "%s:%s", peer_kind.driver, peer->path);
    peer->http->fault = is_at_once ? http_fault(fault) : MICRO_HTTP_WORKS;
    peer->http->is_stalled = fault == PEER_SILENT;
    if (fault != PEER_ABSENT && micro_http_listen(peer->http, peer->path) < 0)
        abort();
}

void microvm_arm(struct peer *peer, enum peer_fault fault)
{
    peer->http->fault = http_fault(fault);
    *peer->refuses = fault == PEER_REFUSES;
    if (fault == PEER_DEAF || fault == PEER_LATE)
        micro_http_stall(peer->http, true);
}

void microvm_release(struct peer *peer)
{
    micro_http_stall(peer->http, false);
}
