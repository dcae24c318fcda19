#include "tests/lab/vsock-device/listener.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/base/cleanup.h"

#define BACKLOG 4096 /* lowered by the kernel to net.core.somaxconn */

static int open_stream(const char *path, struct sockaddr_un *ret_address)
{
    int descriptor;

    *ret_address = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof(ret_address->sun_path))
        return -ENAMETOOLONG;
    memcpy(ret_address->sun_path, path, strlen(path));
    descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    return descriptor < 0 ? -errno : descriptor;
}

int listener_open(const char *path, struct error *error)
{
    struct sockaddr_un address;
    char unready[sizeof(address.sun_path)] = "";
    cleanup_close int descriptor = -1;

    if ((size_t)snprintf(unready, sizeof(unready), "%s.new", path) >= sizeof(unready))
        return error_set(error, -ENAMETOOLONG, "%s: too long for a UNIX socket", path);
    if (access(path, F_OK) == 0)
        return error_set(error, -EADDRINUSE, "%s: exists; remove it first", path);
    descriptor = open_stream(unready, &address);
    if (descriptor < 0)
        return error_set(error, descriptor, "%s: %s", path, strerror(-descriptor));
    if (bind(descriptor, (const struct sockaddr *)&address, sizeof(address)) < 0)
        return error_set(error, -errno, "%s: %s", unready, strerror(errno));
    if (listen(descriptor, BACKLOG) < 0 || rename(unready, path) < 0) {
        int r = error_set(error, -errno, "%s: %s", path, strerror(errno));

        (void)unlink(unready);
        return r;
    }
    return take_descriptor(descriptor);
}

int listener_dial(const char *path)
{
    struct sockaddr_un address;
    cleanup_close int descriptor = open_stream(path, &address);

    if (descriptor < 0)
        return descriptor;
    if (connect(descriptor, (const struct sockaddr *)&address, sizeof(address)) < 0)
        return -errno;
    return take_descriptor(descriptor);
}
