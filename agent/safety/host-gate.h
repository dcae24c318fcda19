/* Which connections a listening agent takes for its host's.
 *
 * Over vsock only CID 2, the host, may connect. Behind the kernel's vhost-vsock any process of the
 * host can, so a port below 1024 must show that a privileged one did. Behind a hypervisor's own
 * device (hybrid vsock) the UNIX socket's permissions are the protection, and its ports say
 * nothing. Firecracker and Cloud Hypervisor number them from 2^30 up, vhost-device-vsock from 0 up.
 * Without a virtio device the stricter rule holds. The device is looked at again when a port makes
 * it matter: it may be plugged in while the agent listens.
 *
 * Other kinds of sockets are protected by their permissions and always admitted. */
#ifndef VMRECLAIM_AGENT_SAFETY_HOST_GATE_H
#define VMRECLAIM_AGENT_SAFETY_HOST_GATE_H

#include <stdbool.h>

#include "common/base/log.h"
#include "common/proc/vsock-device.h"
#include "common/transport/address.h"

/* The key `host_port`: which ports of CID 2 are believed. */
enum host_port {
    HOST_PORT_AUTO, /* what the device demands */
    HOST_PORT_ANY,
    HOST_PORT_PRIVILEGED,
};

struct host_gate {
    int root; /* the caller's descriptor, with /sys below */
    enum host_port host_port;
    enum vsock_device device;
    nsec_t looked_at; /* CLOCK_BOOTTIME; 0: never */
    struct log_limit refusals;
};

void host_gate_init(struct host_gate *gate, int root, enum host_port host_port);

/* Whether the peer is let in; one that is not is logged with the cure, a few times a minute. */
bool host_gate_admits(struct host_gate *gate, const struct peer *peer, nsec_t now);

/* Whether the host's port must be below 1024. */
bool host_port_must_be_privileged(enum host_port host_port, enum vsock_device device);

#endif
