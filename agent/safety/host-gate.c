/* The rule for the host's ports. */
#include "agent/safety/host-gate.h"

#include <netinet/in.h>
#include <sys/socket.h> /* the next one leans on it */

#include <linux/vm_sockets.h>

#define LOOK_INTERVAL NSEC_PER_SEC /* so that a storm of connections reads /sys once a second */

void host_gate_init(struct host_gate *gate, int root, enum host_port host_port)
{
    *gate = (struct host_gate){
        .root = root,
        .host_port = host_port,
        .refusals = {.interval = 60 * NSEC_PER_SEC, .burst = 3},
    };
}

bool host_port_must_be_privileged(enum host_port host_port, enum vsock_device device)
{
    if (host_port == HOST_PORT_AUTO)
        return device != VSOCK_DEVICE_PROCESS;
    return host_port == HOST_PORT_PRIVILEGED;
}

static void look(struct host_gate *gate, nsec_t now)
{
    if (gate->host_port != HOST_PORT_AUTO ||
        (gate->looked_at != 0 && now - gate->looked_at < LOOK_INTERVAL))
        return;
    gate->looked_at = now;
    gate->device = vsock_device_find(gate->root);
}

/* Why the port is asked for, for the log. */
static const char *reason_of(const struct host_gate *gate)
{
    if (gate->host_port == HOST_PORT_PRIVILEGED)
        return "host_port = privileged";
    return gate->device == VSOCK_DEVICE_KERNEL ? "the vsock device is the host kernel's"
                                               : "there is no virtio vsock device that shows more";
}

bool host_gate_admits(struct host_gate *gate, const struct peer *peer, nsec_t now)
{
    bool is_host = peer->cid == VMADDR_CID_HOST;
    unsigned suppressed;

    if (peer->kind != ADDRESS_VSOCK || (is_host && peer->port < IPPORT_RESERVED))
        return true;
    if (is_host) {
        look(gate, now);
        if (!host_port_must_be_privileged(gate->host_port, gate->device))
            return true;
    }
    if (!log_limit_pass(&gate->refusals, now, &suppressed))
        return false;
    if (is_host)
        log_warning("refused CID %u, port %u: not a port below 1024, and %s; let a privileged "
                    "process dial, or set host_port = any (%u more)",
                    peer->cid, peer->port, reason_of(gate), suppressed);
    else
        log_warning("refused CID %u, port %u: only the host, CID %u, may connect (%u more)",
                    peer->cid, peer->port, VMADDR_CID_HOST, suppressed);
    return false;
}
