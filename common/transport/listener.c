/* Listening sockets on a libuv loop.
 *
 * uv_poll reports that somebody is there. accept4 takes a few per turn, so that a storm of
 * connections does not starve the loop. It takes so many in a second that a storm costs little of a
 * core: more of them on this machine, where who knocks on a UNIX socket without pause would else
 * fill the backlog, and everybody wait behind. When there are no descriptors or no memory left, the
 * listener stops polling for PAUSE_MS. Meanwhile peers wait in the backlog. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/cleanup.h"
#include "common/base/time.h"
#include "common/base/util.h"
#include "common/transport/socket.h"
#include "common/transport/transport.h"

#define BURST_MAX 20 /* may come at once after a pause */
#define PAUSE_MS  100
#define BACKLOG   4096 /* lowered by the kernel to net.core.somaxconn */

struct listener {
    uv_poll_t poll;
    uv_timer_t pause;
    unsigned open_handles;
    int descriptor;    /* -1: destroyed */
    nsec_t paid_until; /* the connections so far are within the rate from then on */
    enum address_kind kind;
    listener_callback on_accept;
    void *userdata;
    bool owns_file; /* path was made by bind */
    dev_t device;
    ino_t inode;
    char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
};

/* How fast peers of a kind are taken: 2000 a second, and ten thousand agents are all back within
 * five seconds. A connection that is closed at once costs 10 us. */
static const struct pace {
    unsigned batch; /* in a turn */
    unsigned rate;  /* in a second */
} guests_pace = {4, 2000}, local_pace = {16, 10000};

static const struct pace *pace_of(const struct listener *listener)
{
    return listener->kind == ADDRESS_UNIX ? &local_pace : &guests_pace;
}

/* ---- accepting ---- */

static void on_readable(uv_poll_t *poll, int status, int events);

static void on_pause_over(uv_timer_t *pause)
{
    struct listener *listener = pause->data;

    (void)uv_poll_start(&listener->poll, UV_READABLE, on_readable);
}

static void pause_accepting(struct listener *listener, uint64_t milliseconds)
{
    (void)uv_poll_stop(&listener->poll);
    uv_timer_start(&listener->pause, on_pause_over, milliseconds, 0);
}

/* Each connection takes its share of a second. */
static void charge(struct listener *listener, unsigned accepted)
{
    const nsec_t cost = NSEC_PER_SEC / pace_of(listener)->rate;
    nsec_t now = time_monotonic();
    nsec_t oldest = now - BURST_MAX * cost;

    listener->paid_until = max_of(listener->paid_until, oldest) + accepted * cost;
    if (listener->paid_until > now)
        pause_accepting(listener, (listener->paid_until - now) / NSEC_PER_MSEC + 1);
}

static void hand_over(struct listener *listener, int descriptor)
{
    struct peer peer;

    if (socket_peer(descriptor, &peer) < 0) {
        close(descriptor);
        return;
    }
    if (listener->kind == ADDRESS_HYBRID)
        peer.kind = ADDRESS_HYBRID;
    listener->on_accept(descriptor, &peer, listener->userdata);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    struct listener *listener = poll->data;
    unsigned batch = pace_of(listener)->batch;
    unsigned accepted = 0;

    while (accepted < batch && listener->descriptor >= 0) {
        int descriptor = accept4(listener->descriptor, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (descriptor < 0)
            break;
        accepted++;
        hand_over(listener, descriptor);
    }
    if (listener->descriptor < 0)
        return;
    if (accepted < batch && error_is_shortage(-errno))
        pause_accepting(listener, PAUSE_MS);
    else
        charge(listener, accepted);
}

/* ---- sockets ---- */

/* Removes a socket file that nobody listens on. */
static int remove_stale(const char *path, const union socket_address *address, socklen_t length)
{
    cleanup_close int probe = socket_open(AF_UNIX);
    struct stat status;

    if (probe < 0)
        return probe;
    if (lstat(path, &status) < 0)
        return errno == ENOENT ? 0 : -errno;
    if (!S_ISSOCK(status.st_mode))
        return -EEXIST;
    if (connect(probe, &address->any, length) == 0 || errno != ECONNREFUSED)
        return -EADDRINUSE;
    return unlink(path) < 0 ? -errno : 0;
}

static int bind_local(struct listener *listener, int descriptor, unsigned mode)
{
    union socket_address address;
    struct stat status;
    int length = socket_address_local(listener->path, &address);
    int r;

    if (length < 0)
        return length;
    r = remove_stale(listener->path, &address, (socklen_t)length);
    if (r < 0)
        return r;
    if (bind(descriptor, &address.any, (socklen_t)length) < 0)
        return -errno;
    /* Nobody can connect before listen(), so the mode is never wider than asked. */
    if (chmod(listener->path, mode) < 0 || lstat(listener->path, &status) < 0)
        return -errno;
    listener->owns_file = true;
    listener->device = status.st_dev;
    listener->inode = status.st_ino;
    return 0;
}

static int listen_local(struct listener *listener, const struct address *address, unsigned mode,
                        struct error *error)
{
    cleanup_close int descriptor = socket_open(AF_UNIX);
    int length, r;

    if (descriptor < 0)
        return error_set(error, descriptor, "no socket: %s", strerror(-descriptor));
    if (address->kind == ADDRESS_HYBRID)
        length =
            snprintf(listener->path, sizeof(listener->path), "%s_%u", address->path, address->port);
    else
        length = snprintf(listener->path, sizeof(listener->path), "%s", address->path);
    if ((size_t)length >= sizeof(listener->path))
        return error_set(error, -ENAMETOOLONG, "%s_%u: too long for a UNIX socket", address->path,
                         address->port);
    r = bind_local(listener, descriptor, mode);
    if (r == -EADDRINUSE)
        return error_set(error, r, "%s: somebody listens there already", listener->path);
    if (r == -EEXIST)
        return error_set(error, r, "%s: exists and is not a socket", listener->path);
    if (r == 0 && listen(descriptor, BACKLOG) < 0)
        r = -errno;
    if (r < 0)
        return error_set(error, r, "%s: %s", listener->path, strerror(-r));
    return take_descriptor(descriptor);
}

/* What to do about it; "": that depends. */
static const char *vm_advice(int status)
{
    switch (status) {
    case -EAFNOSUPPORT:
        return "\n'modprobe vhost_vsock' brings it; in a guest, vmw_vsock_virtio_transport";
    case -EADDRINUSE:
        return "\nlook who has it: ss -l --vsock -p";
    case -EACCES:
        return "\nports below 1024 need CAP_NET_BIND_SERVICE: run it as root";
    default:
        return "";
    }
}

static int fail_vm(const struct address *address, int status, struct error *error)
{
    char text[160];

    return error_set(error, status, "%s: %s%s", address_format(address, text, sizeof(text)),
                     status == -EAFNOSUPPORT ? "this kernel has no AF_VSOCK" : strerror(-status),
                     vm_advice(status));
}

static int listen_vm(const struct address *address, struct error *error)
{
    cleanup_close int descriptor = socket_open(AF_VSOCK);
    union socket_address vm;
    socklen_t length = socket_address_vm(address->cid, address->port, &vm);

    if (descriptor < 0)
        return fail_vm(address, descriptor, error);
    if (bind(descriptor, &vm.any, length) < 0 || listen(descriptor, BACKLOG) < 0)
        return fail_vm(address, -errno, error);
    return take_descriptor(descriptor);
}

/* Takes over a socket that somebody else opened, and remembers which kind of peers come by it. */
static int adopt(struct listener *listener, int descriptor, struct error *error)
{
    int accepts = 0, flags;
    int domain = 0;
    socklen_t length = sizeof(accepts);

    if (getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &accepts, &length) < 0)
        return error_set(error, -errno, "fd:%d: %s", descriptor, strerror(errno));
    if (accepts == 0)
        return error_set(error, -EINVAL, "fd:%d is not a listening socket", descriptor);
    length = sizeof(domain);
    flags = fcntl(descriptor, F_GETFL);
    if (flags < 0 || fcntl(descriptor, F_SETFL, flags | O_NONBLOCK) < 0 ||
        fcntl(descriptor, F_SETFD, FD_CLOEXEC) < 0 ||
        getsockopt(descriptor, SOL_SOCKET, SO_DOMAIN, &domain, &length) < 0)
        return error_set(error, -errno, "fd:%d: %s", descriptor, strerror(errno));
    listener->kind = domain == AF_VSOCK ? ADDRESS_VSOCK : ADDRESS_UNIX;
    return descriptor;
}

static int open_socket(struct listener *listener, const struct address *address, unsigned mode,
                       struct error *error)
{
    switch (address->kind) {
    case ADDRESS_VSOCK:
        return listen_vm(address, error);
    case ADDRESS_FD:
        return adopt(listener, address->descriptor, error);
    case ADDRESS_UNIX:
    case ADDRESS_HYBRID:
        return listen_local(listener, address, mode, error);
    }
    return error_set(error, -EINVAL, "no such kind of address");
}

/* ---- beginning and end ---- */

/* Removes the file only while it is the one we made: a successor may have replaced it. */
static void remove_file(const struct listener *listener)
{
    struct stat status;

    if (listener->owns_file && lstat(listener->path, &status) == 0 &&
        status.st_dev == listener->device && status.st_ino == listener->inode)
        (void)unlink(listener->path);
}

int listener_create(uv_loop_t *loop, const struct address *address, unsigned mode,
                    listener_callback on_accept, void *userdata, struct listener **ret_listener,
                    struct error *error)
{
    struct listener *listener = calloc(1, sizeof(*listener));
    int r;

    if (listener == NULL)
        return error_set(error, -ENOMEM, "no memory for a listener");
    listener->kind = address->kind;
    listener->on_accept = on_accept;
    listener->userdata = userdata;
    r = open_socket(listener, address, mode, error);
    if (r < 0)
        goto err_after_alloc;
    listener->descriptor = r;
    r = uv_poll_init(loop, &listener->poll, listener->descriptor);
    if (r < 0) {
        error_set(error, r, "the event loop refused the socket: %s", uv_strerror(r));
        goto err_after_socket;
    }
    uv_timer_init(loop, &listener->pause);
    listener->poll.data = listener;
    listener->pause.data = listener;
    listener->open_handles = 2;
    (void)uv_poll_start(&listener->poll, UV_READABLE, on_readable);
    *ret_listener = listener;
    return 0;

err_after_socket:
    close(listener->descriptor);
err_after_alloc:
    remove_file(listener);
    free(listener);
    return r;
}

static void on_closed(uv_handle_t *handle)
{
    struct listener *listener = handle->data;

    if (--listener->open_handles == 0)
        free(listener);
}

int listener_set_mode(const struct listener *listener, unsigned mode)
{
    return listener->owns_file && chmod(listener->path, mode) < 0 ? -errno : 0;
}

void listener_destroy(struct listener *listener)
{
    if (listener == NULL)
        return;
    remove_file(listener);
    uv_close((uv_handle_t *)&listener->poll, on_closed);
    uv_close((uv_handle_t *)&listener->pause, on_closed);
    close(listener->descriptor);
    listener->descriptor = -1;
}
