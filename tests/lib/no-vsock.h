/* Keeps a child of a test off AF_VSOCK: outside the lab that family reaches whoever runs this
 * machine. A program under test whose address was forgotten then fails instead of dialling. */
#ifndef VMRECLAIM_TESTS_LIB_NO_VSOCK_H
#define VMRECLAIM_TESTS_LIB_NO_VSOCK_H

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

/* For this process and its children, for good; AF_VSOCK is then unknown, as on a kernel without it.
 * Aborts where that cannot be had. */
static inline void deny_vsock(void)
{
    struct sock_filter instructions[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_VSOCK, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EAFNOSUPPORT),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog filter = {.len = sizeof(instructions) / sizeof(instructions[0]),
                                .filter = instructions};

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) < 0)
        abort();
}

#endif
