/* In a guest whose host has no vsock device for it: joins a virtio-serial port and a program that
 * listens on a UNIX socket. A client on the port's side is a connection here, and its end is that
 * connection's end.
 * usage: serial-relay PORT-NAME SOCKET */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum {
    CHUNK = 16 * 1024,
    WAIT_MS = 50, /* a port without a client, and a program that does not listen yet */
};

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "serial-relay: %s: %s\n", what, strerror(errno));
    exit(1);
}

/* The device of the port with that name. */
static int open_port(const char *wanted)
{
    glob_t found;
    int port = -1;

    if (glob("/sys/class/virtio-ports/*/name", 0, NULL, &found) != 0)
        found.gl_pathc = 0;
    for (size_t i = 0; i < found.gl_pathc && port < 0; i++) {
        char name[64] = "", path[64];
        FILE *file = fopen(found.gl_pathv[i], "re");

        if (file == NULL)
            continue;
        if (fscanf(file, "%63s", name) == 1 && strcmp(name, wanted) == 0) {
            snprintf(path, sizeof(path), "/dev/%.*s",
                     (int)strcspn(found.gl_pathv[i] + strlen("/sys/class/virtio-ports/"), "/"),
                     found.gl_pathv[i] + strlen("/sys/class/virtio-ports/"));
            port = open(path, O_RDWR | O_CLOEXEC);
        }
        (void)fclose(file);
    }
    globfree(&found);
    if (port < 0)
        die(wanted);
    return port;
}

static int dial(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        die("socket");
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
        return fd;
    close(fd);
    return -1;
}

/* What is there on `from` goes to `to`; false: one of them has ended. */
static bool copy(int from, int to)
{
    static char buffer[CHUNK];
    ssize_t length = read(from, buffer, sizeof(buffer));

    for (ssize_t done = 0; done < length;) {
        ssize_t written = write(to, buffer + done, (size_t)(length - done));

        if (written < 0)
            return false;
        done += written;
    }
    return length > 0;
}

/* One client of the port, from its first bytes to its end. */
static void serve(int port, int program)
{
    struct pollfd both[] = {{.fd = port, .events = POLLIN}, {.fd = program, .events = POLLIN}};

    while (poll(both, 2, -1) > 0 || errno == EINTR) {
        if (both[0].revents & POLLIN && !copy(port, program))
            return;
        if (both[0].revents & POLLHUP) /* the client is gone, and all that it sent was read */
            return;
        if (both[1].revents != 0 && !copy(program, port))
            return;
    }
}

int main(int argc, char *argv[])
{
    int port, program;

    if (argc != 3) {
        fprintf(stderr, "Usage: serial-relay PORT-NAME SOCKET\n");
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    port = open_port(argv[1]);
    for (;;) {
        struct pollfd client = {.fd = port, .events = POLLIN};

        if (poll(&client, 1, -1) < 0 || !(client.revents & POLLIN) || client.revents & POLLHUP) {
            (void)poll(NULL, 0, WAIT_MS);
            continue;
        }
        program = dial(argv[2]);
        if (program < 0) {
            (void)poll(NULL, 0, WAIT_MS);
            continue;
        }
        serve(port, program);
        close(program);
    }
}
