/* The allow-list and its BPF program.
 *
 * The program looks at the architecture, refuses the x32 calls that share x86-64's numbers, and
 * compares the number with each allowed one. For a few calls it looks at one argument: sockets only
 * of the families that the agent speaks, and no memory that is executable. */
#include "agent/safety/seccomp.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/base/util.h"

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#define X32_BIT      0x40000000u
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#else
#error "add this architecture's AUDIT_ARCH_ constant"
#endif

/* The low half of a 64-bit argument; both architectures are little-endian. */
#define ARGUMENT(index) ((uint32_t)(offsetof(struct seccomp_data, args) + 8 * (index)))

static const int allowed[] = {
    /* the loop: libuv's epoll, its wake-up descriptor and its signal pipe */
    SYS_epoll_create1, SYS_epoll_ctl, SYS_epoll_pwait,
#ifdef SYS_epoll_wait
    SYS_epoll_wait,
#endif
    SYS_eventfd2, SYS_pipe2,
    /* reading /proc and /sys, writing sysctls, the journal and the policy */
    SYS_read, SYS_pread64, SYS_readv, SYS_write, SYS_pwrite64, SYS_writev, SYS_openat, SYS_close,
    SYS_lseek, SYS_fstat, SYS_newfstatat, SYS_statx, SYS_fstatfs, SYS_statfs, SYS_faccessat,
    SYS_faccessat2, SYS_readlinkat,
#ifdef SYS_readlink
    SYS_readlink, SYS_access, SYS_stat,
#endif
    SYS_getdents64, SYS_fcntl, SYS_fsync, SYS_fdatasync, SYS_ftruncate, SYS_renameat,
#ifdef SYS_rename
    SYS_rename, SYS_unlink,
#endif
    SYS_renameat2, SYS_unlinkat, SYS_mkdirat, SYS_ioctl, /* FIONBIO of libuv */
    /* connections: dialling again, and the service manager's socket (socket() is below) */
    SYS_connect, SYS_bind, SYS_listen, SYS_accept4,
#ifdef SYS_accept
    SYS_accept, /* libuv 1.44 falls back to it */
#endif
    SYS_shutdown, SYS_getsockname, SYS_getpeername, SYS_getsockopt, SYS_setsockopt, SYS_sendto,
    SYS_sendmsg, SYS_recvfrom, SYS_recvmsg,
    /* the child that acts: forked, set back, watched, killed */
    SYS_clone, SYS_clone3,
#ifdef SYS_fork
    SYS_fork, SYS_vfork,
#endif
    SYS_set_robust_list, SYS_rseq, SYS_wait4, SYS_waitid, SYS_kill, SYS_pidfd_open,
    SYS_pidfd_send_signal, SYS_close_range, SYS_prctl, SYS_sched_setscheduler,
    SYS_sched_setaffinity, SYS_sched_getaffinity, SYS_setpriority, SYS_ioprio_set, SYS_getrusage,
    SYS_timer_create, SYS_timer_settime, SYS_setitimer, SYS_exit, SYS_exit_group,
    /* memory: malloc, and the pages a reporting pass is started with (mmap(), mprotect() below) */
    SYS_brk, SYS_munmap, SYS_mremap, SYS_madvise, SYS_mlock,
    /* the C library: signals, locks, clocks where the vDSO has none, its own identity */
    SYS_rt_sigaction, SYS_rt_sigprocmask, SYS_rt_sigreturn, SYS_sigaltstack, SYS_restart_syscall,
    SYS_futex, SYS_clock_gettime, SYS_clock_nanosleep, SYS_nanosleep, SYS_gettimeofday,
    SYS_getrandom, SYS_getpid, SYS_getppid, SYS_gettid, SYS_getuid, SYS_geteuid, SYS_uname,
    SYS_sysinfo, SYS_prlimit64, SYS_tgkill, /* abort() */
};

/* Calls whose argument decides. */
static const int socket_families[] = {AF_UNIX, AF_VSOCK};
static const int protection_calls[] = {SYS_mmap, SYS_mprotect};

struct builder {
    struct sock_filter *program;
    size_t length;
};

static void add(struct builder *builder, uint16_t code, uint32_t value, uint8_t if_true,
                uint8_t if_false)
{
    builder->program[builder->length++] =
        (struct sock_filter){.code = code, .jt = if_true, .jf = if_false, .k = value};
}

static void load(struct builder *builder, size_t offset)
{
    add(builder, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0, 0);
}

static void finish(struct builder *builder, uint32_t action)
{
    add(builder, BPF_RET | BPF_K, action, 0, 0);
}

/* Skips `count` instructions unless the accumulator is `value`. */
static void unless_equal_skip(struct builder *builder, uint32_t value, uint8_t count)
{
    add(builder, BPF_JMP | BPF_JEQ | BPF_K, value, 0, count);
}

static void check_architecture(struct builder *builder)
{
    load(builder, offsetof(struct seccomp_data, arch));
    add(builder, BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0);
    finish(builder, SECCOMP_RET_KILL_PROCESS);
    load(builder, offsetof(struct seccomp_data, nr));
#ifdef X32_BIT
    add(builder, BPF_JMP | BPF_JSET | BPF_K, X32_BIT, 0, 1);
    finish(builder, SECCOMP_RET_KILL_PROCESS);
#endif
}

static void allow_socket_families(struct builder *builder)
{
    unless_equal_skip(builder, SYS_socket, (uint8_t)(2 + 2 * ARRAY_SIZE(socket_families)));
    load(builder, ARGUMENT(0));
    for (size_t i = 0; i < ARRAY_SIZE(socket_families); i++) {
        unless_equal_skip(builder, (uint32_t)socket_families[i], 1);
        finish(builder, SECCOMP_RET_ALLOW);
    }
    /* As the kernel answers for a family that it does not have: the C library then goes on. */
    finish(builder, SECCOMP_RET_ERRNO | EAFNOSUPPORT);
}

/* The accumulator holds the number and still does afterwards. */
static void allow_plain_memory(struct builder *builder)
{
    for (size_t i = 0; i < ARRAY_SIZE(protection_calls); i++) {
        unless_equal_skip(builder, (uint32_t)protection_calls[i], 4);
        load(builder, ARGUMENT(2));
        add(builder, BPF_JMP | BPF_JSET | BPF_K, PROT_EXEC, 0, 1);
        finish(builder, SECCOMP_RET_KILL_PROCESS);
        finish(builder, SECCOMP_RET_ALLOW);
    }
}

size_t seccomp_build(struct sock_filter *program)
{
    struct builder builder = {.program = program};

    check_architecture(&builder);
    for (size_t i = 0; i < ARRAY_SIZE(allowed); i++) {
        unless_equal_skip(&builder, (uint32_t)allowed[i], 1);
        finish(&builder, SECCOMP_RET_ALLOW);
    }
    allow_plain_memory(&builder);
    allow_socket_families(&builder);
    finish(&builder, SECCOMP_RET_KILL_PROCESS);
    return builder.length;
}

_Static_assert(16 + 2 * ARRAY_SIZE(allowed) + 5 * ARRAY_SIZE(protection_calls) +
                       2 * ARRAY_SIZE(socket_families) <=
                   SECCOMP_INSTRUCTIONS_MAX,
               "the program must fit");

int seccomp_apply(void)
{
    struct sock_filter program[SECCOMP_INSTRUCTIONS_MAX];
    struct sock_fprog filter = {.filter = program};

    filter.len = (unsigned short)seccomp_build(program);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return -errno;
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter) < 0)
        return -errno;
    return 0;
}
