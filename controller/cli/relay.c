/* `vmreclaim relay`: joins standard input and output with the daemon's socket. This is the far end
 * of `-H ssh://HOST`; nobody types it. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/cleanup.h"
#include "common/transport/address.h"
#include "controller/cli/cli.h"
#include "controller/cli/root-socket.h"

static int write_all(int descriptor, const char *data, size_t length)
{
    while (length > 0) {
        ssize_t n = write(descriptor, data, length);
        if (n < 0 && errno != EINTR)
            return -errno;
        if (n > 0) {
            data += n;
            length -= (size_t)n;
        }
    }
    return 0;
}

/* Moves what is there; 0: end of input. */
static ssize_t move(int from, int to)
{
    char buffer[65536];
    ssize_t n = read(from, buffer, sizeof(buffer));
    if (n < 0)
        return errno == EINTR || errno == EAGAIN ? 1 : -errno;
    if (n == 0)
        return 0;
    int r = write_all(to, buffer, (size_t)n);
    return r < 0 ? r : n;
}

/* Both directions until either side ends. The daemon's end ends it all; the client's end only
 * closes our half, for what is still to come back. */
static int relay(int socket)
{
    struct pollfd polled[2] = {{.fd = STDIN_FILENO, .events = POLLIN},
                               {.fd = socket, .events = POLLIN}};

    for (;;) {
        if (poll(polled, 2, -1) < 0 && errno != EINTR)
            return -errno;
        if (polled[1].revents != 0) {
            ssize_t n = move(socket, STDOUT_FILENO);
            if (n <= 0)
                return (int)n;
        }
        if (polled[0].fd >= 0 && polled[0].revents != 0) {
            ssize_t n = move(STDIN_FILENO, socket);
            if (n < 0)
                return (int)n;
            if (n == 0) {
                polled[0].fd = -1;
                (void)shutdown(socket, SHUT_WR);
            }
        }
    }
}

/* -errno. */
static int connect_to(const struct address *address)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    int descriptor = root_socket_connect(address);

    if (descriptor >= 0)
        return fcntl(descriptor, F_SETFL, 0) < 0 ? -errno : descriptor;
    memcpy(name.sun_path, address->path, sizeof(name.sun_path));
    descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (descriptor >= 0 &&
        connect(descriptor, (const struct sockaddr *)(const void *)&name, sizeof(name)) == 0)
        return descriptor;
    return -errno;
}

static int run(struct cli *cli, char **operands)
{
    struct address address;
    struct error error;

    if (address_parse(cli->api, &address, &error) < 0)
        return fail(EXIT_USAGE, "--api: %s", error.text);
    if (address.kind != ADDRESS_UNIX)
        return fail(EXIT_USAGE, "relay: %s is not a UNIX socket", cli->api);
    cleanup_close int socket_fd = connect_to(&address);
    if (socket_fd < 0)
        return fail(EXIT_UNREACHABLE,
                    "cannot reach the daemon at %s on this host: %s\n"
                    "Is vmreclaimd running? Look at: systemctl status vmreclaimd",
                    cli->api, strerror(-socket_fd));
    int r = relay(socket_fd);
    return r < 0 ? fail(EXIT_UNREACHABLE, "relay: %s", strerror(-r)) : EXIT_DONE;
}

const struct command command_relay = {
    .name = "relay",
    .operands = "",
    .summary = NULL, /* not for people */
    .description =
        "Joins standard input and output with the daemon's socket. `-H ssh://HOST` runs it\n"
        "on the other host.",
    .example = "ssh host2 vmreclaim relay",
    .run = run,
};
