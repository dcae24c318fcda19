/* The host's side of a hypervisor's vsock device. */
#include "tests/fakes/hybrid.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/base/util.h"

#define LINE_BYTES_MAX 32
#define PORT_FIRST     (1u << 30)

static void on_line(uv_poll_t *poll, int status, int events)
{
    struct fake_hybrid *hybrid = container_of(poll, struct fake_hybrid, connection);
    int descriptor = hybrid->descriptor;
    char line[LINE_BYTES_MAX + 1];
    ssize_t length = recv(descriptor, line, LINE_BYTES_MAX, MSG_DONTWAIT);
    char answer[32];
    unsigned port = 0;

    uv_close((uv_handle_t *)&hybrid->connection, NULL);
    hybrid->descriptor = -1;
    line[max_of(length, (ssize_t)0)] = '\0';
    if (length <= 0 || line[length - 1] != '\n' || sscanf(line, "CONNECT %u\n", &port) != 1 ||
        port != hybrid->port) {
        hybrid->refused++;
        close(descriptor);
        return;
    }
    snprintf(answer, sizeof(answer), "OK %u\n", PORT_FIRST);
    if (send(descriptor, answer, strlen(answer), MSG_NOSIGNAL) > 0)
        hybrid->on_connected(descriptor, hybrid->userdata);
    else
        close(descriptor);
}

/* One at a time is enough: the next one waits in the queue. */
static void on_connection(uv_poll_t *poll, int status, int events)
{
    struct fake_hybrid *hybrid = container_of(poll, struct fake_hybrid, listening);

    if (hybrid->descriptor >= 0 || uv_is_closing((uv_handle_t *)&hybrid->connection))
        return;
    hybrid->descriptor = accept4(hybrid->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (hybrid->descriptor < 0)
        return;
    uv_poll_init(poll->loop, &hybrid->connection, hybrid->descriptor);
    uv_poll_start(&hybrid->connection, UV_READABLE, on_line);
}

int fake_hybrid_listen(struct fake_hybrid *hybrid, uv_loop_t *loop, const char *path, unsigned port,
                       void (*on_connected)(int descriptor, void *userdata), void *userdata)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (listener < 0)
        return -errno;
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    if (bind(listener, (struct sockaddr *)&address, sizeof(address)) < 0 ||
        listen(listener, 16) < 0) {
        close(listener);
        return -EADDRINUSE;
    }
    *hybrid = (struct fake_hybrid){.listener = listener,
                                   .descriptor = -1,
                                   .port = port,
                                   .on_connected = on_connected,
                                   .userdata = userdata};
    uv_poll_init(loop, &hybrid->listening, listener);
    return uv_poll_start(&hybrid->listening, UV_READABLE, on_connection);
}

void fake_hybrid_close(struct fake_hybrid *hybrid)
{
    if (hybrid->on_connected == NULL)
        return;
    uv_close((uv_handle_t *)&hybrid->listening, NULL);
    close(hybrid->listener);
    if (hybrid->descriptor >= 0) {
        uv_close((uv_handle_t *)&hybrid->connection, NULL);
        close(hybrid->descriptor);
    }
    hybrid->on_connected = NULL;
}
