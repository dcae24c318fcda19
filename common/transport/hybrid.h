/* Hybrid vsock: the VMM is at a UNIX socket. The host writes "CONNECT PORT\n" and reads
 * "OK HOST_PORT\n", then the stream is the guest's. Firecracker, Cloud Hypervisor and
 * vhost-device-vsock close the socket when nobody listens in the guest. */
#ifndef VMRECLAIM_COMMON_TRANSPORT_HYBRID_H
#define VMRECLAIM_COMMON_TRANSPORT_HYBRID_H

#include <stddef.h>
#include <stdint.h>

#define HYBRID_LINE_MAX 32

/* "CONNECT PORT\n"; returns its length. */
size_t hybrid_request(uint32_t port, char buffer[HYBRID_LINE_MAX]);

struct hybrid_reply {
    size_t length;
    char line[HYBRID_LINE_MAX]; /* ended with '\0'; after an error safe to be shown */
};

/* Takes one byte of the reply: 0: more to come; 1: accepted; -EPROTO: something else than OK.
 * Byte by byte, because what follows the line belongs to the guest. */
int hybrid_reply_take(struct hybrid_reply *reply, char byte);

#endif
