/* TCP and UNIX listening sockets. accept4 takes a few per turn, so that a storm of connections does
 * not starve the loop; without free descriptors it waits for PAUSE_MS. */
#include "controller/web/door.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/base/cleanup.h"
#include "common/base/number.h"
#include "common/transport/socket.h"

enum { BATCH = 16, PAUSE_MS = 100, BACKLOG = 512, SOCKET_MODE = 0660 };

union name {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    struct sockaddr_un local;
};

struct door {
    uv_poll_t poll;
    uv_timer_t pause;
    unsigned open_handles;
    int descriptor;
    union name name;
    bool owns_file;
    door_callback on_accept;
    void *userdata;
};

/* ---- accepting ---- */

static void on_readable(uv_poll_t *poll, int status, int events);

static void on_pause_over(uv_timer_t *pause)
{
    door_start(pause->data);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    struct door *door = poll->data;

    for (unsigned i = 0; i < BATCH && door->descriptor >= 0; i++) {
        int descriptor = accept4(door->descriptor, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (descriptor >= 0) {
            door->on_accept(descriptor, door->userdata);
            continue;
        }
        if (error_is_shortage(-errno)) {
            (void)uv_poll_stop(&door->poll);
            uv_timer_start(&door->pause, on_pause_over, PAUSE_MS, 0);
        }
        return;
    }
}

/* ---- addresses ---- */

static int parse_port(const char *text, in_port_t *ret_port)
{
    uint64_t port;

    if (number_parse(text, &port) < 0 || port > UINT16_MAX)
        return -EINVAL;
    *ret_port = htons((uint16_t)port);
    return 0;
}

static int parse_v6(const char *text, union name *ret_name)
{
    const char *end = strchr(text, ']');
    char address[INET6_ADDRSTRLEN];
    size_t length = end == NULL ? sizeof(address) : (size_t)(end - text - 1);

    if (length >= sizeof(address) || end[1] != ':')
        return -EINVAL;
    memcpy(address, text + 1, length);
    address[length] = '\0';
    ret_name->v6.sin6_family = AF_INET6;
    if (inet_pton(AF_INET6, address, &ret_name->v6.sin6_addr) != 1)
        return -EINVAL;
    return parse_port(end + 2, &ret_name->v6.sin6_port);
}

static int parse_v4(const char *text, union name *ret_name)
{
    const char *end = strchr(text, ':');
    char address[INET_ADDRSTRLEN];
    size_t length = end == NULL ? sizeof(address) : (size_t)(end - text);

    if (length >= sizeof(address))
        return -EINVAL;
    memcpy(address, text, length);
    address[length] = '\0';
    ret_name->v4.sin_family = AF_INET;
    if (inet_pton(AF_INET, address, &ret_name->v4.sin_addr) != 1)
        return -EINVAL;
    return parse_port(end + 1, &ret_name->v4.sin_port);
}

static socklen_t name_length(const union name *name)
{
    switch (name->any.sa_family) {
    case AF_INET:
        return sizeof(name->v4);
    case AF_INET6:
        return sizeof(name->v6);
    default:
        return sizeof(name->local);
    }
}

/* ---- sockets ---- */

/* Removes a socket file that nobody listens on. */
static int remove_stale(const union name *name)
{
    cleanup_close int probe = socket_open(AF_UNIX);
    struct stat status;

    if (probe < 0)
        return probe;
    if (lstat(name->local.sun_path, &status) < 0)
        return errno == ENOENT ? 0 : -errno;
    if (!S_ISSOCK(status.st_mode))
        return -EEXIST;
    if (connect(probe, &name->any, name_length(name)) == 0 || errno != ECONNREFUSED)
        return -EADDRINUSE;
    return unlink(name->local.sun_path) < 0 ? -errno : 0;
}

/* Nobody can connect before listen(), so the mode is never wider than asked. */
static int bind_and_listen(struct door *door, int descriptor)
{
    const int on = 1;
    bool is_local = door->name.any.sa_family == AF_UNIX;
    int r = is_local ? remove_stale(&door->name) : 0;

    if (r < 0)
        return r;
    if (!is_local)
        (void)setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(descriptor, &door->name.any, name_length(&door->name)) < 0)
        return -errno;
    door->owns_file = is_local;
    if (is_local && chmod(door->name.local.sun_path, SOCKET_MODE) < 0)
        return -errno;
    return listen(descriptor, BACKLOG) < 0 ? -errno : 0;
}

static int listen_on(struct door *door, const char *text, struct error *error)
{
    cleanup_close int descriptor = socket_open(door->name.any.sa_family);
    int r = descriptor < 0 ? descriptor : bind_and_listen(door, descriptor);

    if (r < 0)
        return error_set(error, r, "cannot listen on %s: %s", text,
                         r == -EEXIST       ? "there is a file that is no socket"
                         : r == -EADDRINUSE ? "somebody listens there already"
                                            : strerror(-r));
    return take_descriptor(descriptor);
}

static int adopt(const char *number, struct error *error)
{
    int accepts = 0;
    socklen_t length = sizeof(accepts);
    uint64_t descriptor;

    if (number_parse(number, &descriptor) < 0 || descriptor > INT32_MAX)
        return error_set(error, -EINVAL, "fd:%s is no descriptor", number);
    if (getsockopt((int)descriptor, SOL_SOCKET, SO_ACCEPTCONN, &accepts, &length) < 0 ||
        accepts == 0)
        return error_set(error, -EINVAL, "fd:%s is not a listening socket", number);
    if (fcntl((int)descriptor, F_SETFL, O_NONBLOCK) < 0 ||
        fcntl((int)descriptor, F_SETFD, FD_CLOEXEC) < 0)
        return error_set(error, -errno, "fd:%s: %s", number, strerror(errno));
    return (int)descriptor;
}

static int open_socket(struct door *door, const char *text, struct error *error)
{
    int r;

    if (strncmp(text, "fd:", 3) == 0)
        return adopt(text + 3, error);
    if (strncmp(text, "unix:", 5) == 0) {
        door->name.local.sun_family = AF_UNIX;
        if (text[5] == '\0' || strlen(text + 5) >= sizeof(door->name.local.sun_path))
            return error_set(error, -EINVAL, "%s: not the path of a UNIX socket", text);
        memcpy(door->name.local.sun_path, text + 5, strlen(text + 5));
        return listen_on(door, text, error);
    }
    r = text[0] == '[' ? parse_v6(text, &door->name) : parse_v4(text, &door->name);
    if (r < 0)
        return error_set(error, r,
                         "\"%s\" is no address; write 127.0.0.1:PORT, [::1]:PORT or "
                         "unix:PATH",
                         text);
    return listen_on(door, text, error);
}

static void remove_file(const struct door *door)
{
    if (door->owns_file)
        (void)unlink(door->name.local.sun_path);
}

int door_open(uv_loop_t *loop, const char *text, door_callback on_accept, void *userdata,
              struct door **ret_door, struct error *error)
{
    struct door *door = calloc(1, sizeof(*door));
    socklen_t length = sizeof(door->name);
    int r;

    if (door == NULL)
        return error_set(error, -ENOMEM, "no memory for a listening socket");
    door->on_accept = on_accept;
    door->userdata = userdata;
    r = open_socket(door, text, error);
    if (r < 0)
        goto err_after_alloc;
    door->descriptor = r;
    if (getsockname(door->descriptor, &door->name.any, &length) < 0)
        r = -errno;
    else
        r = uv_poll_init(loop, &door->poll, door->descriptor);
    if (r < 0) {
        error_set(error, r, "%s: the event loop refused the socket: %s", text, uv_strerror(r));
        goto err_after_socket;
    }
    uv_timer_init(loop, &door->pause);
    door->poll.data = door;
    door->pause.data = door;
    door->open_handles = 2;
    *ret_door = door;
    return 0;

err_after_socket:
    close(door->descriptor);
err_after_alloc:
    remove_file(door);
    free(door);
    return r;
}

void door_start(struct door *door)
{
    (void)uv_poll_start(&door->poll, UV_READABLE, on_readable);
}

/* ---- what it is ---- */

bool door_is_unix(const struct door *door)
{
    return door->name.any.sa_family == AF_UNIX;
}

bool door_is_local(const struct door *door)
{
    switch (door->name.any.sa_family) {
    case AF_UNIX:
        return true;
    case AF_INET:
        return (ntohl(door->name.v4.sin_addr.s_addr) >> 24) == 127;
    case AF_INET6:
        return IN6_IS_ADDR_LOOPBACK(&door->name.v6.sin6_addr);
    default:
        return false;
    }
}

const char *door_address(const struct door *door, char *buffer, size_t size)
{
    char address[INET6_ADDRSTRLEN] = "";

    if (door->name.any.sa_family == AF_INET)
        snprintf(buffer, size, "%s:%u",
                 inet_ntop(AF_INET, &door->name.v4.sin_addr, address, sizeof(address)),
                 ntohs(door->name.v4.sin_port));
    else if (door->name.any.sa_family == AF_INET6)
        snprintf(buffer, size, "[%s]:%u",
                 inet_ntop(AF_INET6, &door->name.v6.sin6_addr, address, sizeof(address)),
                 ntohs(door->name.v6.sin6_port));
    else
        snprintf(buffer, size, "unix:%s", door->name.local.sun_path);
    return buffer;
}

/* ---- the end ---- */

static void on_closed(uv_handle_t *handle)
{
    struct door *door = handle->data;

    if (--door->open_handles == 0)
        free(door);
}

void door_close(struct door *door)
{
    if (door == NULL)
        return;
    remove_file(door);
    uv_close((uv_handle_t *)&door->poll, on_closed);
    uv_close((uv_handle_t *)&door->pause, on_closed);
    close(door->descriptor);
    door->descriptor = -1;
}
