/* The few facts about sockets that listener and dial share. */
#include "common/transport/socket.h"

#include <errno.h>
#include <string.h>

int socket_open(int family)
{
    int descriptor = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    return descriptor < 0 ? -errno : descriptor;
}

int socket_address_local(const char *path, union socket_address *ret)
{
    size_t length = strlen(path);

    if (length >= sizeof(ret->local.sun_path))
        return -ENAMETOOLONG;
    *ret = (union socket_address){.local = {.sun_family = AF_UNIX}};
    memcpy(ret->local.sun_path, path, length + 1);
    return (int)(offsetof(struct sockaddr_un, sun_path) + length + 1);
}

socklen_t socket_address_vm(uint32_t cid, uint32_t port, union socket_address *ret)
{
    *ret = (union socket_address){
        .vm = {.svm_family = AF_VSOCK, .svm_cid = cid, .svm_port = port},
    };
    return sizeof(ret->vm);
}

static int local_peer(int descriptor, struct peer *ret_peer)
{
    struct ucred credentials;
    socklen_t length = sizeof(credentials);

    if (getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &credentials, &length) < 0)
        return -errno;
    *ret_peer = (struct peer){
        .kind = ADDRESS_UNIX,
        .pid = credentials.pid,
        .uid = credentials.uid,
        .gid = credentials.gid,
    };
    return 0;
}

int socket_peer(int descriptor, struct peer *ret_peer)
{
    union socket_address address = {0};
    socklen_t length = sizeof(address);

    if (getpeername(descriptor, &address.any, &length) < 0)
        return -errno;
    if (address.any.sa_family == AF_UNIX)
        return local_peer(descriptor, ret_peer);
    if (address.any.sa_family != AF_VSOCK)
        return -EAFNOSUPPORT;
    *ret_peer = (struct peer){
        .kind = ADDRESS_VSOCK,
        .cid = address.vm.svm_cid,
        .port = address.vm.svm_port,
    };
    return 0;
}
