/* Connecting on a libuv loop.
 *
 *     vsock:            bind to a source port -> connect -> connected
 *                        ^ taken: the next one
 *     unix:             connect -> connected
 *                        ^ backlog full: again after RETRY_MS
 *     hybrid:           connect -> connected -> CONNECT sent -> OK read
 *     fd:               connected
 *
 * Whatever happens ends in finish(), which closes the handles. The close callback of the last one
 * hands over the descriptor or the error; the user's callback comes last. dial_cancel() is the same
 * without the callback. The timer is the deadline, and before that the next retry.
 *
 * Failure modes. Nobody listens, the backlog stays full, or the peer never answers (deadline). The
 * VMM closes or answers something else (hybrid). No privilege for a source port (vsock). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/process-path.h"
#include "common/base/random.h"
#include "common/base/text.h"
#include "common/transport/hybrid.h"
#include "common/transport/socket.h"
#include "common/transport/transport.h"

#define RETRY_MS          10
#define SOURCE_PORT_FIRST 512
#define SOURCE_PORT_COUNT 512

struct dial {
    uv_poll_t poll;
    uv_timer_t timer;
    unsigned open_handles;
    bool has_poll; /* poll is initialised, for this descriptor */
    bool finished;
    bool retrying;  /* the timer is for the next attempt */
    int descriptor; /* -1: none */
    struct address address;
    nsec_t due;    /* NSEC_INFINITY: no deadline */
    uint32_t port; /* vsock: the next source port to try, and how many are left */
    uint32_t ports_left;
    struct hybrid_reply reply;
    struct error error;
    dial_callback on_done; /* NULL: cancelled */
    void *userdata;
};

/* ---- ending ---- */

static void on_closed(uv_handle_t *handle)
{
    struct dial *dial = handle->data;
    dial_callback on_done = dial->on_done;
    void *userdata = dial->userdata;
    struct error error = dial->error;
    int descriptor = dial->descriptor;

    if (--dial->open_handles > 0)
        return;
    free(dial);
    if (on_done != NULL)
        on_done(descriptor, &error, userdata);
    else if (descriptor >= 0)
        close(descriptor);
}

static void close_handles(struct dial *dial)
{
    dial->finished = true;
    uv_close((uv_handle_t *)&dial->timer, on_closed);
    if (dial->has_poll)
        uv_close((uv_handle_t *)&dial->poll, on_closed);
}

static void fail(struct dial *dial, int status, const char *what)
{
    char text[160];

    (void)address_format(&dial->address, text, sizeof(text));
    if (status == -EAFNOSUPPORT)
        error_set(&dial->error, status, "%s: this kernel has no AF_VSOCK", text);
    else
        error_set(&dial->error, status, "%s: %s: %s", text, what, strerror(-status));
    close_handles(dial);
    if (dial->descriptor >= 0)
        close(dial->descriptor);
    dial->descriptor = status;
}

/* ---- hybrid: the handshake ---- */

static void wait_for(struct dial *dial, int events, uv_poll_cb on_ready)
{
    int r;

    if (!dial->has_poll) {
        r = uv_poll_init(dial->timer.loop, &dial->poll, dial->descriptor);
        if (r < 0) {
            fail(dial, r, "polling");
            return;
        }
        dial->poll.data = dial;
        dial->has_poll = true;
        dial->open_handles++;
    }
    (void)uv_poll_start(&dial->poll, events, on_ready);
}

static void on_reply(uv_poll_t *poll, int status, int events)
{
    struct dial *dial = poll->data;
    char byte;
    int r = 0;

    while (r == 0) {
        ssize_t length = recv(dial->descriptor, &byte, 1, MSG_DONTWAIT);

        if (length < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (length < 0)
            fail(dial, -errno, "reading the answer to CONNECT");
        else if (length == 0)
            fail(dial, -ECONNREFUSED, "closed after CONNECT, so nobody listens in the guest");
        if (length <= 0)
            return;
        r = hybrid_reply_take(&dial->reply, byte);
    }
    if (r > 0) {
        close_handles(dial);
    } else {
        char what[80];

        text_format(what, sizeof(what), "'%s' in answer to CONNECT", dial->reply.line);
        fail(dial, r, what);
    }
}

static void shake_hands(struct dial *dial)
{
    char request[HYBRID_LINE_MAX];
    size_t length = hybrid_request(dial->address.port, request);

    /* A fresh socket has room for a line. */
    if (send(dial->descriptor, request, length, MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)length)
        fail(dial, -EPIPE, "writing CONNECT");
    else
        wait_for(dial, UV_READABLE, on_reply);
}

static void connected(struct dial *dial)
{
    if (dial->address.kind == ADDRESS_HYBRID)
        shake_hands(dial);
    else
        close_handles(dial);
}

/* ---- connecting ---- */

static void attempt(struct dial *dial);

static void on_timer(uv_timer_t *timer);

/* Until the deadline, or until the next attempt. */
static void set_timer(struct dial *dial, bool retry)
{
    nsec_t now = time_monotonic();
    uint64_t left = dial->due <= now ? 0 : (dial->due - now) / NSEC_PER_MSEC + 1;

    dial->retrying = retry;
    if (retry)
        left = min_of(left, (uint64_t)RETRY_MS);
    else if (dial->due == NSEC_INFINITY)
        return;
    uv_update_time(dial->timer.loop); /* the timer counts from there */
    uv_timer_start(&dial->timer, on_timer, left, 0);
}

/* A timer may be a fraction of a millisecond early. */
static void on_timer(uv_timer_t *timer)
{
    struct dial *dial = timer->data;

    if (time_monotonic() >= dial->due)
        fail(dial, -ETIMEDOUT, "no connection in time");
    else if (dial->retrying)
        attempt(dial);
    else
        set_timer(dial, false);
}

/* Gives up this socket; the next attempt opens another. */
static void drop_socket(struct dial *dial)
{
    close(dial->descriptor);
    dial->descriptor = -1;
}

static void on_connected(uv_poll_t *poll, int status, int events)
{
    struct dial *dial = poll->data;
    int number = 0;
    socklen_t length = sizeof(number);

    if (getsockopt(dial->descriptor, SOL_SOCKET, SO_ERROR, &number, &length) < 0)
        number = errno;
    (void)uv_poll_stop(&dial->poll);
    if (number != 0)
        fail(dial, -number, "connecting");
    else
        connected(dial);
}

/* 0: bound; -EADDRINUSE: no port is left. */
static int bind_source_port(struct dial *dial)
{
    while (dial->ports_left > 0) {
        union socket_address address;
        socklen_t length = socket_address_vm(VMADDR_CID_ANY, dial->port, &address);

        dial->ports_left--;
        dial->port = SOURCE_PORT_FIRST + (dial->port + 1 - SOURCE_PORT_FIRST) % SOURCE_PORT_COUNT;
        if (bind(dial->descriptor, &address.any, length) == 0)
            return 0;
        if (errno != EADDRINUSE)
            return -errno;
    }
    return -EADDRINUSE;
}

static int prepare_local(const char *path, struct process_socket *held,
                         union socket_address *ret_address)
{
    int r = process_socket_hold(held, path);

    return r < 0 ? r : socket_address_local(held->text, ret_address);
}

/* Opens and prepares the socket and says where it goes. */
static int prepare(struct dial *dial, struct process_socket *held,
                   union socket_address *ret_address)
{
    bool vm = dial->address.kind == ADDRESS_VSOCK;
    int r;

    if (dial->descriptor < 0) {
        r = socket_open(vm ? AF_VSOCK : AF_UNIX);
        if (r < 0)
            return r;
        dial->descriptor = r;
        r = vm ? bind_source_port(dial) : 0;
        if (r < 0)
            return r;
    }
    return vm ? (int)socket_address_vm(dial->address.cid, dial->address.port, ret_address)
              : prepare_local(dial->address.path, held, ret_address);
}

static void attempt(struct dial *dial)
{
    struct process_socket held = {.descriptor = -1};
    union socket_address address;
    int length = prepare(dial, &held, &address);
    int r = 0;

    if (length < 0) {
        fail(dial, length,
             length == -EACCES ? "binding a source port below 1024 needs CAP_NET_BIND_SERVICE"
                               : "opening a socket");
        return;
    }
    if (connect(dial->descriptor, &address.any, (socklen_t)length) < 0)
        r = -errno;
    process_socket_release(&held);
    if (r == 0) {
        set_timer(dial, false);
        connected(dial);
    } else if (r == -EINPROGRESS) {
        set_timer(dial, false);
        wait_for(dial, UV_WRITABLE, on_connected);
    } else if (r == -EAGAIN || (r == -EADDRINUSE && dial->ports_left > 0)) {
        if (r == -EADDRINUSE)
            drop_socket(dial);
        set_timer(dial, true);
    } else {
        fail(dial, r, "connecting");
    }
}

/* ---- beginning ---- */

static uint32_t random_port(void)
{
    return SOURCE_PORT_FIRST + (uint32_t)(random_bits() % SOURCE_PORT_COUNT);
}

int dial_start(uv_loop_t *loop, const struct address *address, nsec_t timeout,
               dial_callback on_done, void *userdata, struct dial **ret_dial)
{
    struct dial *dial = calloc(1, sizeof(*dial));

    if (dial == NULL)
        return -ENOMEM;
    dial->address = *address;
    dial->descriptor = address->kind == ADDRESS_FD ? address->descriptor : -1;
    dial->due = timeout == 0 ? NSEC_INFINITY : time_monotonic() + timeout;
    dial->port = random_port();
    dial->ports_left = SOURCE_PORT_COUNT;
    dial->on_done = on_done;
    dial->userdata = userdata;
    uv_timer_init(loop, &dial->timer);
    dial->timer.data = dial;
    dial->open_handles = 1;
    if (ret_dial != NULL)
        *ret_dial = dial;
    if (address->kind == ADDRESS_FD)
        connected(dial);
    else
        attempt(dial);
    return 0;
}

void dial_cancel(struct dial *dial)
{
    if (dial == NULL)
        return;
    dial->on_done = NULL;
    if (!dial->finished)
        close_handles(dial);
}
