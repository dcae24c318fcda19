#include "tests/lab/vsock-device/streams.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/util.h"
#include "tests/lab/vsock-device/listener.h"

struct stream {
    uv_poll_t poll;
    struct streams *streams;
    struct connection *connection;
    int descriptor;
    unsigned watch;
};

static ssize_t move(ssize_t (*system_call)(int, struct msghdr *, int), const struct stream *stream,
                    const struct iovec *segments, unsigned count)
{
    struct msghdr header = {.msg_iov = (struct iovec *)segments, .msg_iovlen = count};
    ssize_t length;

    do
        length = system_call(stream->descriptor, &header, MSG_NOSIGNAL);
    while (length < 0 && errno == EINTR);
    return length < 0 ? -errno : length;
}

/* An end of file from a peer that still reads is a half-close. */
static bool has_hung_up(const struct stream *stream)
{
    struct pollfd look = {.fd = stream->descriptor};

    return poll(&look, 1, 0) == 1 && (look.revents & POLLHUP) != 0;
}

static ssize_t stream_read(void *pointer, const struct iovec *segments, unsigned count)
{
    ssize_t length = move(recvmsg, pointer, segments, count);

    return length == 0 && has_hung_up(pointer) ? -EPIPE : length;
}

static ssize_t send_message(int descriptor, struct msghdr *header, int flags)
{
    return sendmsg(descriptor, header, flags);
}

static ssize_t stream_write(void *pointer, const struct iovec *segments, unsigned count)
{
    return move(send_message, pointer, segments, count);
}

static ssize_t stream_peek(void *pointer, char *bytes, size_t size)
{
    const struct stream *stream = pointer;
    ssize_t length = recv(stream->descriptor, bytes, size, MSG_PEEK);

    return length < 0 ? -errno : length;
}

static void stream_end(void *pointer)
{
    const struct stream *stream = pointer;

    (void)shutdown(stream->descriptor, SHUT_WR);
}

static void on_closed(uv_handle_t *handle)
{
    free(container_of((uv_poll_t *)(void *)handle, struct stream, poll));
}

static void stream_close(void *pointer)
{
    struct stream *stream = pointer;

    uv_close((uv_handle_t *)&stream->poll, on_closed);
    close(stream->descriptor);
}

/* ---- events ---- */

static void on_event(uv_poll_t *poll, int status, int events);

static void start(struct stream *stream)
{
    int events = 0;

    if ((stream->watch & CONNECTION_WATCH_READ) != 0)
        events |= UV_READABLE;
    if ((stream->watch & CONNECTION_WATCH_WRITE) != 0)
        events |= UV_WRITABLE;
    /* A hang-up is told with whatever is polled for; urgent data never comes. */
    if ((stream->watch & CONNECTION_WATCH_HANGUP) != 0)
        events |= UV_PRIORITIZED;
    if (events == 0)
        (void)uv_poll_stop(&stream->poll);
    else
        (void)uv_poll_start(&stream->poll, events, on_event);
}

static void on_event(uv_poll_t *poll, int status, int events)
{
    struct stream *stream = container_of(poll, struct stream, poll);
    struct streams *streams = stream->streams;
    unsigned watch = 0;

    if (status < 0) {
        /* libuv stopped polling a socket with an error, which reading or writing will show. */
        start(stream);
        watch = stream->watch;
    }
    if ((events & UV_READABLE) != 0)
        watch |= CONNECTION_WATCH_READ;
    if ((events & UV_WRITABLE) != 0)
        watch |= CONNECTION_WATCH_WRITE;
    if ((stream->watch & CONNECTION_WATCH_HANGUP) != 0 && has_hung_up(stream))
        watch |= CONNECTION_WATCH_HANGUP;
    mux_ready(streams->mux, stream->connection, watch, time_monotonic());
    streams->on_ready(streams->userdata);
}

static void stream_watch(void *pointer, unsigned watch)
{
    struct stream *stream = pointer;

    stream->watch = watch;
    start(stream);
}

const struct mux_host stream_calls = {
    .read = stream_read,
    .write = stream_write,
    .peek = stream_peek,
    .end = stream_end,
    .close = stream_close,
    .watch = stream_watch,
};

/* ---- beginning ---- */

static int create(struct streams *streams, int descriptor, struct stream **ret_stream)
{
    struct stream *stream = calloc(1, sizeof(*stream));
    int r = stream == NULL ? -ENOMEM : uv_poll_init(streams->loop, &stream->poll, descriptor);

    if (r < 0) {
        free(stream);
        close(descriptor);
        return r;
    }
    stream->streams = streams;
    stream->descriptor = descriptor;
    *ret_stream = stream;
    return 0;
}

int streams_accept(struct streams *streams, int descriptor)
{
    struct stream *stream;
    int r = create(streams, descriptor, &stream);

    if (r < 0)
        return r;
    r = mux_accept(streams->mux, stream, &stream->connection);
    if (r < 0)
        stream_close(stream);
    return r;
}

int streams_dial(struct streams *streams, const char *path, struct connection *connection)
{
    struct stream *stream;
    int r = listener_dial(path);

    if (r < 0)
        return r;
    r = create(streams, r, &stream);
    if (r < 0)
        return r;
    stream->connection = connection;
    connection->stream = stream;
    return 0;
}
