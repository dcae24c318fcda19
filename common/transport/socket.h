/* Socket addresses for struct address, and who is at the other end of a socket. */
#ifndef VMRECLAIM_COMMON_TRANSPORT_SOCKET_H
#define VMRECLAIM_COMMON_TRANSPORT_SOCKET_H

#include <sys/socket.h>

#include <linux/vm_sockets.h>

#include "common/transport/address.h"

union socket_address {
    struct sockaddr any;
    struct sockaddr_un local;
    struct sockaddr_vm vm;
};

/* A non-blocking, close-on-exec stream socket; -errno. */
int socket_open(int family);

/* Fill the address and return its length. -ENAMETOOLONG from the first. */
int socket_address_local(const char *path, union socket_address *ret);
socklen_t socket_address_vm(uint32_t cid, uint32_t port, union socket_address *ret);

/* The peer of a connected socket, from getpeername and SO_PEERCRED. */
int socket_peer(int descriptor, struct peer *ret_peer);

#endif
