/* A machine in a state that this one cannot be in, preloaded into a program: the vsock family is
 * there and fails as MACHINE_BIND or MACHINE_CONNECT says (an errno); the disk is full while the
 * file MACHINE_FULL is there. */
#undef _FORTIFY_SOURCE
#undef _GNU_SOURCE /* its bind() takes any kind of address */
#define _DEFAULT_SOURCE
#include <errno.h>
#include <linux/vm_sockets.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

int socket(int domain, int type, int protocol)
{
    return (int)syscall(SYS_socket, domain == AF_VSOCK ? AF_UNIX : domain, type, protocol);
}

static int fail_as(const char *name)
{
    const char *number = getenv(name);

    errno = number == NULL ? ENODEV : atoi(number);
    return -1;
}

int bind(int descriptor, const struct sockaddr *address, socklen_t length)
{
    if (address->sa_family == AF_VSOCK && getenv("MACHINE_BIND") != NULL)
        return fail_as("MACHINE_BIND");
    if (address->sa_family == AF_VSOCK)
        return 0;
    return (int)syscall(SYS_bind, descriptor, address, length);
}

int connect(int descriptor, const struct sockaddr *address, socklen_t length)
{
    if (address->sa_family == AF_VSOCK)
        return fail_as("MACHINE_CONNECT");
    return (int)syscall(SYS_connect, descriptor, address, length);
}

static int is_full(void)
{
    const char *path = getenv("MACHINE_FULL");

    return path != NULL && access(path, F_OK) == 0;
}

/* Both names: offsets have 64 bits. */
ssize_t pwrite(int descriptor, const void *bytes, size_t size, off_t offset)
{
    if (is_full()) {
        errno = ENOSPC;
        return -1;
    }
    return syscall(SYS_pwrite64, descriptor, bytes, size, offset);
}

ssize_t short_pwrite(int descriptor, const void *bytes, size_t size,
                     off_t offset) __asm__("pwrite");

ssize_t short_pwrite(int descriptor, const void *bytes, size_t size, off_t offset)
{
    return pwrite(descriptor, bytes, size, offset);
}
