/* The only front end connects once. Its messages start and stop the rings, kicks and streams make
 * the multiplexer run, and whatever is left to do waits for the loop's next turn. */
#include "tests/lab/vsock-device/device.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/util.h"
#include "tests/lab/vsock-device/frontend.h"
#include "tests/lab/vsock-device/listener.h"
#include "tests/lab/vsock-device/streams.h"

#define ACCEPT_BATCH 64

/* A descriptor with a handle of its own, which outlives it by one turn of the loop. */
struct watcher {
    uv_poll_t poll;
    int descriptor;
    struct device *device;
};

struct device {
    uv_loop_t *loop;
    const struct device_options *options;
    struct mux mux;
    struct vhost vhost;
    struct frontend frontend;
    bool has_frontend;
    bool ended;
    struct streams streams;
    struct mux_host calls;
    struct watcher *vhost_listener; /* NULL: not polled */
    struct watcher *hybrid_listener;
    struct watcher *frontend_watcher;
    struct watcher *kicks[MUX_RINGS];
    int vhost_descriptor; /* -1: closed */
    int hybrid_descriptor;
    uv_idle_t more;
    uv_timer_t deadline;
    int status;
    struct error error;
};

/* ---- descriptors ---- */

static void on_watcher_closed(uv_handle_t *handle)
{
    free(container_of((uv_poll_t *)(void *)handle, struct watcher, poll));
}

static void unwatch(struct watcher **watcher)
{
    if (*watcher != NULL)
        uv_close((uv_handle_t *)&(*watcher)->poll, on_watcher_closed);
    *watcher = NULL;
}

static int watch(struct device *device, int descriptor, uv_poll_cb callback,
                 struct watcher **ret_watcher)
{
    struct watcher *watcher = calloc(1, sizeof(*watcher));
    int r = watcher == NULL ? -ENOMEM : uv_poll_init(device->loop, &watcher->poll, descriptor);

    if (r < 0) {
        free(watcher);
        return r;
    }
    watcher->device = device;
    watcher->descriptor = descriptor;
    (void)uv_poll_start(&watcher->poll, UV_READABLE, callback);
    *ret_watcher = watcher;
    return 0;
}

static void close_descriptor(int *descriptor)
{
    if (*descriptor >= 0)
        close(*descriptor);
    *descriptor = -1;
}

static void fail(struct device *device, int code, const char *what)
{
    device->status = error_set(&device->error, code, "%s: %s", what, strerror(-code));
    device_end(device);
}

/* ---- running ---- */

static void on_more(uv_idle_t *more);
static void on_deadline(uv_timer_t *deadline);
static void on_host(uv_poll_t *poll, int status, int events);

/* Whoever dials while the guest has no driver, or stands still, waits. */
static void update_listener(struct device *device)
{
    bool running = mux_ring_is_running(&device->mux, MUX_TO_GUEST) &&
                   mux_ring_is_running(&device->mux, MUX_FROM_GUEST);
    int r = 0;

    if (!running)
        unwatch(&device->hybrid_listener);
    else if (device->hybrid_listener == NULL)
        r = watch(device, device->hybrid_descriptor, on_host, &device->hybrid_listener);
    if (r < 0)
        fail(device, r, device->options->hybrid_path);
}

static void update_timer(struct device *device, nsec_t now)
{
    nsec_t deadline = mux_deadline(&device->mux);

    if (deadline == NSEC_INFINITY)
        uv_timer_stop(&device->deadline);
    else
        uv_timer_start(&device->deadline, on_deadline,
                       deadline > now ? (deadline - now) / NSEC_PER_MSEC + 1 : 0, 0);
}

static void run(void *pointer)
{
    struct device *device = pointer;
    nsec_t now = time_monotonic();

    if (device->ended)
        return;
    if (mux_run(&device->mux, now))
        uv_idle_start(&device->more, on_more);
    else
        uv_idle_stop(&device->more);
    update_timer(device, now);
    update_listener(device);
}

static void on_more(uv_idle_t *more)
{
    run(more->data);
}

static void on_deadline(uv_timer_t *deadline)
{
    run(deadline->data);
}

static void on_kick(uv_poll_t *poll, int status, int events)
{
    struct watcher *watcher = container_of(poll, struct watcher, poll);
    uint64_t count;

    (void)!read(watcher->descriptor, &count, sizeof(count));
    run(watcher->device);
}

static void on_host(uv_poll_t *poll, int status, int events)
{
    struct device *device = container_of(poll, struct watcher, poll)->device;

    for (unsigned i = 0; i < ACCEPT_BATCH; i++) {
        int descriptor =
            accept4(device->hybrid_descriptor, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (descriptor >= 0) {
            (void)streams_accept(&device->streams, descriptor);
            continue;
        }
        if (errno != EAGAIN && errno != ECONNABORTED && errno != EINTR)
            fail(device, -errno, "accepting a host");
        break;
    }
    run(device);
}

/* ---- what the multiplexer asks for ---- */

static int dial(void *host, uint32_t port, struct connection *connection)
{
    struct device *device = host;
    char path[256];
    int length = snprintf(path, sizeof(path), "%s_%u", device->options->hybrid_path, port);

    if ((size_t)length >= sizeof(path))
        return -ENAMETOOLONG;
    return streams_dial(&device->streams, path, connection);
}

static void call(void *host, enum mux_ring ring)
{
    struct device *device = host;

    vhost_call(&device->vhost, ring);
}

static void broken(void *host, enum mux_ring ring)
{
    struct device *device = host;

    fprintf(stderr,
            "vsock-device: queue %u: what the guest wrote there is no virtqueue;\n"
            "all connections end, and it rests until the guest's driver starts again\n",
            (unsigned)ring);
    vhost_break(&device->vhost, ring);
}

/* ---- the front end ---- */

/* A message may close a kick, so none is polled meanwhile. */
static int handle(struct device *device)
{
    struct vhost_message reply;
    int r;

    for (unsigned i = 0; i < MUX_RINGS; i++)
        unwatch(&device->kicks[i]);
    r = vhost_handle(&device->vhost, &device->frontend.message, &reply, &device->error);
    if (r == 1)
        r = frontend_send(&device->frontend, &reply, &device->error);
    for (unsigned i = 0; i < MUX_RINGS && r == 0; i++)
        if (device->vhost.rings[i].kick >= 0)
            r = watch(device, device->vhost.rings[i].kick, on_kick, &device->kicks[i]);
    return r;
}

static void on_message(uv_poll_t *poll, int status, int events)
{
    struct device *device = container_of(poll, struct watcher, poll)->device;
    int r;

    do {
        r = frontend_receive(&device->frontend, &device->error);
        if (r == 1)
            r = handle(device) < 0 ? -EPROTO : 1;
    } while (r == 1);
    if (r == -EAGAIN) {
        run(device);
        return;
    }
    device->status = r;
    device_end(device);
}

static void on_frontend(uv_poll_t *poll, int status, int events)
{
    struct device *device = container_of(poll, struct watcher, poll)->device;
    int descriptor = accept4(device->vhost_descriptor, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    int r;

    if (descriptor < 0)
        return;
    frontend_init(&device->frontend, descriptor);
    device->has_frontend = true;
    unwatch(&device->vhost_listener);
    close_descriptor(&device->vhost_descriptor);
    r = watch(device, descriptor, on_message, &device->frontend_watcher);
    if (r < 0)
        fail(device, r, device->options->vhost_path);
}

/* ---- beginning and end ---- */

static int open_listeners(struct device *device)
{
    int r;

    device->hybrid_descriptor = listener_open(device->options->hybrid_path, &device->error);
    if (device->hybrid_descriptor < 0)
        return device->hybrid_descriptor;
    device->vhost_descriptor = listener_open(device->options->vhost_path, &device->error);
    if (device->vhost_descriptor < 0) {
        r = device->vhost_descriptor;
    } else {
        r = watch(device, device->vhost_descriptor, on_frontend, &device->vhost_listener);
        if (r == 0)
            return 0;
        (void)unlink(device->options->vhost_path);
        close_descriptor(&device->vhost_descriptor);
    }
    (void)unlink(device->options->hybrid_path);
    close_descriptor(&device->hybrid_descriptor);
    return r;
}

int device_create(uv_loop_t *loop, const struct device_options *options, struct device **ret_device,
                  struct error *error)
{
    struct device *device = calloc(1, sizeof(*device));
    int r;

    if (device == NULL)
        return error_set(error, -ENOMEM, "no memory for a device");
    device->loop = loop;
    device->options = options;
    r = open_listeners(device);
    if (r < 0) {
        *error = device->error;
        free(device);
        return r;
    }
    device->calls = stream_calls;
    device->calls.dial = dial;
    device->calls.call = call;
    device->calls.broken = broken;
    mux_init(&device->mux, &device->calls, device, options->guest_cid,
             &device->vhost.mapping.memory);
    vhost_init(&device->vhost, &device->mux, options->guest_cid);
    device->streams =
        (struct streams){.loop = loop, .mux = &device->mux, .on_ready = run, .userdata = device};
    uv_idle_init(loop, &device->more);
    uv_timer_init(loop, &device->deadline);
    device->more.data = device;
    device->deadline.data = device;
    *ret_device = device;
    return 0;
}

void device_end(struct device *device)
{
    if (device->ended)
        return;
    device->ended = true;
    unwatch(&device->vhost_listener);
    unwatch(&device->hybrid_listener);
    unwatch(&device->frontend_watcher);
    for (unsigned i = 0; i < MUX_RINGS; i++)
        unwatch(&device->kicks[i]);
    uv_close((uv_handle_t *)&device->more, NULL);
    uv_close((uv_handle_t *)&device->deadline, NULL);
    mux_finish(&device->mux);
    vhost_finish(&device->vhost);
    if (device->has_frontend)
        frontend_finish(&device->frontend);
    close_descriptor(&device->vhost_descriptor);
    close_descriptor(&device->hybrid_descriptor);
    (void)unlink(device->options->vhost_path);
    (void)unlink(device->options->hybrid_path);
}

int device_destroy(struct device *device, struct error *error)
{
    int status = device->status;

    assert(device->ended);
    *error = device->error;
    free(device);
    return status;
}
