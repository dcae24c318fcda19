/* Root's own socket. */
#include "controller/cli/root-socket.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/base/cleanup.h"
#include "common/transport/socket.h"

/* Where others may write beside the operators' socket, this may be anybody's. */
static bool is_trusted(int descriptor)
{
    struct peer server;

    return socket_peer(descriptor, &server) == 0 && (server.uid == 0 || server.uid == geteuid());
}

int root_socket_connect(const struct address *api)
{
    cleanup_close int descriptor = -1;
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    struct address own;

    if (address_of_root(api, &own) < 0)
        return -ENOENT;
    memcpy(name.sun_path, own.path, sizeof(name.sun_path));
    descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (descriptor < 0 ||
        connect(descriptor, (const struct sockaddr *)(const void *)&name, sizeof(name)) < 0)
        return -errno;
    if (!is_trusted(descriptor))
        return -EACCES;
    return take_descriptor(descriptor);
}
