/* A hostile guest: meets the controller as an agent would and sends what no agent sends. Ends when
 * the controller hangs up, or fails after ten seconds.
 * usage: vsock-garbage KIND              dials the controller from a privileged port
 *        vsock-garbage KIND listen PORT  lets the controller dial */
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/vm_sockets.h>

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "vsock-garbage: %s: %s\n", what, strerror(errno));
    exit(1);
}

static int dial(unsigned cid, unsigned port)
{
    struct sockaddr_vm source = {.svm_family = AF_VSOCK, .svm_cid = VMADDR_CID_ANY};
    struct sockaddr_vm address = {.svm_family = AF_VSOCK, .svm_cid = cid, .svm_port = port};
    int fd = socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0) {
        die("socket");
    }
    for (source.svm_port = 1023; source.svm_port >= 512; source.svm_port--) {
        if (bind(fd, (struct sockaddr *)&source, sizeof(source)) == 0) {
            break;
        }
    }
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
        die("connect");
    }
    return fd;
}

/* Dials until it is let in: the controller lets who misbehaved before wait, and then hangs up at
 * once. Who is let in is asked who it is. */
static int dial_and_be_asked(void)
{
    for (int tries = 0; tries < 100; tries++) {
        int fd = dial(VMADDR_CID_HOST, 1017);
        struct pollfd descriptor = {.fd = fd, .events = POLLIN};
        char question[64];

        if (poll(&descriptor, 1, 10000) > 0 && read(fd, question, sizeof(question)) > 0) {
            return fd;
        }
        close(fd);
        poll(NULL, 0, 200);
    }
    errno = ECONNREFUSED;
    die("the controller lets nobody in");
}

/* Takes one connection of a controller that asks who we are. */
static int listen_and_be_asked(unsigned port)
{
    struct sockaddr_vm address = {
        .svm_family = AF_VSOCK, .svm_cid = VMADDR_CID_ANY, .svm_port = port};
    int listener = socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof(address)) < 0 ||
        listen(listener, 1) < 0) {
        die("listen");
    }
    for (int tries = 0; tries < 10; tries++) {
        struct pollfd descriptor = {.fd = listener, .events = POLLIN};
        char question[64];

        if (poll(&descriptor, 1, 60000) <= 0) {
            break;
        }
        descriptor.fd = accept(listener, NULL, NULL);
        if (descriptor.fd >= 0 && poll(&descriptor, 1, 10000) > 0 &&
            read(descriptor.fd, question, sizeof(question)) > 0) {
            close(listener);
            return descriptor.fd;
        }
    }
    errno = ETIMEDOUT;
    die("no controller dialled and asked");
}

/* A ttRPC header: length, stream id (both big endian), type, flags. */
static const struct {
    const char *name;
    size_t length;
    unsigned char bytes[16];
} messages[] = {
    {"garbage", 16, {0xde, 0xad, 0xbe, 0xef, 0xff, 0xff, 0xff, 0xff, 0x77, 0x66, 0x55, 0x44}},
    {"oversized", 10, {0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01, 0x02, 0x00}},
    {"truncated", 16, {0x00, 0x00, 0x10, 0x00, 0x00, 0x00, 0x00, 0x01, 0x02, 0x00, 0x0a}},
};

int main(int argc, char *argv[])
{
    bool listens = argc == 4 && strcmp(argv[2], "listen") == 0;

    for (size_t i = 0; (argc == 2 || listens) && i < sizeof(messages) / sizeof(messages[0]); i++) {
        struct pollfd descriptor = {.events = POLLIN};
        char answer[4096];
        ssize_t got;

        if (strcmp(messages[i].name, argv[1]) != 0) {
            continue;
        }
        descriptor.fd =
            listens ? listen_and_be_asked((unsigned)atoi(argv[3])) : dial_and_be_asked();
        if (send(descriptor.fd, messages[i].bytes, messages[i].length, MSG_NOSIGNAL) < 0) {
            die("send");
        }
        if (strcmp(argv[1], "truncated") == 0) { /* it is up to us to hang up */
            return 0;
        }
        do {
            if (poll(&descriptor, 1, 10000) == 0) {
                errno = ETIMEDOUT;
                die("the controller did not hang up");
            }
            got = read(descriptor.fd, answer, sizeof(answer));
        } while (got > 0);
        return 0;
    }
    fprintf(stderr, "Usage: vsock-garbage garbage|oversized|truncated [listen PORT]\n");
    return 2;
}
