/* What the fakes of microVMs have in common as peers. */
#ifndef VMRECLAIM_TESTS_COMPONENT_DRIVERS_PEER_MICROVM_H
#define VMRECLAIM_TESTS_COMPONENT_DRIVERS_PEER_MICROVM_H

#include <stdbool.h>

#include "tests/component/drivers/peer.h"
#include "tests/fakes/cloud-hypervisor.h"
#include "tests/fakes/firecracker.h"

struct peer {
    struct fake_firecracker firecracker;
    struct fake_cloud_hypervisor cloud;
    struct micro_http *http; /* of the one that serves */
    bool *refuses;           /* its own */
    char path[64];
};

struct peer *microvm_create(uv_loop_t *loop);
void microvm_stop(struct peer *peer);
void microvm_destroy(struct peer *peer);
void microvm_start(struct peer *peer, enum peer_fault fault, char *address, size_t size);
void microvm_arm(struct peer *peer, enum peer_fault fault);
void microvm_release(struct peer *peer);

#endif
