/* The smallest proof that AF_VSOCK works between two ends: one line there and back. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/vm_sockets.h>

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "vsock-echo: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void serve(int fd, struct sockaddr_vm *address)
{
    struct sockaddr_vm peer;
    socklen_t length = sizeof(peer);
    char line[64];
    ssize_t got;
    int connection;

    if (bind(fd, (struct sockaddr *)address, sizeof(*address)) < 0 || listen(fd, 1) < 0) {
        die("listen");
    }
    connection = accept(fd, (struct sockaddr *)&peer, &length);
    if (connection < 0) {
        die("accept");
    }
    printf("peer cid %u port %u\n", peer.svm_cid, peer.svm_port);
    fflush(stdout);
    got = read(connection, line, sizeof(line));
    if (got <= 0 || write(connection, line, (size_t)got) != got) {
        die("echo");
    }
}

static void dial(int fd, struct sockaddr_vm *address)
{
    static const char message[] = "hello over vsock\n";
    struct sockaddr_vm source = {.svm_family = AF_VSOCK, .svm_cid = VMADDR_CID_ANY};
    char line[64];
    ssize_t got;

    for (source.svm_port = 1023; source.svm_port >= 512; source.svm_port--) {
        if (bind(fd, (struct sockaddr *)&source, sizeof(source)) == 0) {
            break;
        }
    }
    if (connect(fd, (struct sockaddr *)address, sizeof(*address)) < 0) {
        die("connect");
    }
    if (write(fd, message, sizeof(message) - 1) != sizeof(message) - 1) {
        die("write");
    }
    got = read(fd, line, sizeof(line));
    if (got != sizeof(message) - 1 || memcmp(line, message, (size_t)got) != 0) {
        die("answer");
    }
    fputs(message, stdout);
}

int main(int argc, char *argv[])
{
    struct sockaddr_vm address = {.svm_family = AF_VSOCK, .svm_cid = VMADDR_CID_ANY};
    int fd = socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0) {
        die("socket");
    }
    if (argc == 3 && strcmp(argv[1], "listen") == 0) {
        address.svm_port = (unsigned)strtoul(argv[2], NULL, 10);
        serve(fd, &address);
    } else if (argc == 4 && strcmp(argv[1], "dial") == 0) {
        address.svm_cid = (unsigned)strtoul(argv[2], NULL, 10);
        address.svm_port = (unsigned)strtoul(argv[3], NULL, 10);
        dial(fd, &address);
    } else {
        fprintf(stderr, "Usage: vsock-echo listen PORT | vsock-echo dial CID PORT\n");
        return 2;
    }
    return 0;
}
