/* libcurl on libuv: sockets are polled and time passes as libcurl asks for. */
#include "controller/hypervisors/http/loop.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "common/base/util.h"

struct http_loop {
    uv_loop_t *loop;
    CURLM *multi;
    uv_timer_t timer;
    unsigned references;
    http_loop_done done;
};

struct http_socket {
    uv_poll_t poll;
    struct http_loop *loop;
    curl_socket_t fd;
};

static struct http_loop *shared; /* NULL: nobody has one */

static void tell_ended(struct http_loop *loop)
{
    const CURLMsg *message;
    int waiting;

    loop->references++; /* a callback may release the last one */
    while ((message = curl_multi_info_read(loop->multi, &waiting)) != NULL) {
        CURL *easy = message->easy_handle;
        CURLcode result = message->data.result;
        char *transfer = NULL;

        if (message->msg != CURLMSG_DONE)
            continue;
        (void)curl_easy_getinfo(easy, CURLINFO_PRIVATE, &transfer);
        curl_multi_remove_handle(loop->multi, easy);
        loop->done(transfer, result);
    }
    http_loop_release(loop);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct http_socket *socket = container_of(poll, struct http_socket, poll);
    struct http_loop *loop = socket->loop;
    int flags = ((events & UV_READABLE) != 0 ? CURL_CSELECT_IN : 0) |
                ((events & UV_WRITABLE) != 0 ? CURL_CSELECT_OUT : 0);
    int running;

    if (status < 0)
        flags = CURL_CSELECT_ERR;
    curl_multi_socket_action(loop->multi, socket->fd, flags, &running);
    tell_ended(loop);
}

static void on_timer(uv_timer_t *timer)
{
    struct http_loop *loop = container_of(timer, struct http_loop, timer);
    int running;

    curl_multi_socket_action(loop->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    tell_ended(loop);
}

/* ---- what libcurl asks for ---- */

static void on_socket_closed(uv_handle_t *handle)
{
    free(container_of(handle, struct http_socket, poll));
}

static struct http_socket *add_socket(struct http_loop *loop, curl_socket_t fd)
{
    struct http_socket *socket = calloc(1, sizeof(*socket));

    if (socket == NULL)
        return NULL;
    if (uv_poll_init_socket(loop->loop, &socket->poll, fd) < 0) {
        free(socket);
        return NULL;
    }
    socket->loop = loop;
    socket->fd = fd;
    curl_multi_assign(loop->multi, fd, socket);
    return socket;
}

static int on_socket_wanted(CURL *easy, curl_socket_t fd, int what, void *userdata, void *assigned)
{
    struct http_loop *loop = userdata;
    struct http_socket *socket = assigned;
    int events = (what == CURL_POLL_IN || what == CURL_POLL_INOUT ? UV_READABLE : 0) |
                 (what == CURL_POLL_OUT || what == CURL_POLL_INOUT ? UV_WRITABLE : 0);

    if (what == CURL_POLL_REMOVE) {
        if (socket != NULL)
            uv_close((uv_handle_t *)&socket->poll, on_socket_closed);
        curl_multi_assign(loop->multi, fd, NULL);
        return 0;
    }
    if (socket == NULL)
        socket = add_socket(loop, fd);
    return socket == NULL || uv_poll_start(&socket->poll, events, on_poll) < 0 ? -1 : 0;
}

static int on_time_wanted(CURLM *multi, long milliseconds, void *userdata)
{
    struct http_loop *loop = userdata;

    if (milliseconds < 0)
        return uv_timer_stop(&loop->timer);
    return uv_timer_start(&loop->timer, on_timer, (uint64_t)milliseconds, 0);
}

/* ---- its life ---- */

static void on_timer_closed(uv_handle_t *handle)
{
    free(container_of(handle, struct http_loop, timer));
}

static struct http_loop *create(uv_loop_t *uv)
{
    struct http_loop *loop = calloc(1, sizeof(*loop));

    if (loop == NULL)
        return NULL;
    loop->multi = curl_multi_init();
    if (loop->multi == NULL) {
        free(loop);
        return NULL;
    }
    loop->loop = uv;
    uv_timer_init(uv, &loop->timer);
    curl_multi_setopt(loop->multi, CURLMOPT_SOCKETFUNCTION, on_socket_wanted);
    curl_multi_setopt(loop->multi, CURLMOPT_SOCKETDATA, loop);
    curl_multi_setopt(loop->multi, CURLMOPT_TIMERFUNCTION, on_time_wanted);
    curl_multi_setopt(loop->multi, CURLMOPT_TIMERDATA, loop);
    return loop;
}

struct http_loop *http_loop_take(uv_loop_t *loop)
{
    if (shared == NULL)
        shared = create(loop);
    if (shared == NULL || shared->loop != loop)
        return NULL;
    shared->references++;
    return shared;
}

void http_loop_release(struct http_loop *loop)
{
    assert(loop->references > 0);
    if (--loop->references > 0)
        return;
    shared = NULL;
    curl_multi_cleanup(loop->multi);
    uv_close((uv_handle_t *)&loop->timer, on_timer_closed);
}

int http_loop_start(struct http_loop *loop, CURL *easy, http_loop_done done)
{
    assert(loop->done == NULL || loop->done == done);
    loop->done = done;
    return curl_multi_add_handle(loop->multi, easy) == CURLM_OK ? 0 : -ENOMEM;
}

void http_loop_stop(struct http_loop *loop, CURL *easy)
{
    curl_multi_remove_handle(loop->multi, easy);
}
