/* The system call filter, in children: a wrong call ends them. */
#include "tests/lib/test.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/safety/seccomp.h"
#include "common/proc/vsock-device.h"
#include "tests/lib/fixture.h"

#define PASSED 42

static struct fixture fixture;

/* The wait status of a child that takes the filter and then does `work`. */
static int run(int (*work)(void))
{
    int status = 0;
    pid_t pid = fork();

    if (pid == 0)
        _exit(seccomp_apply() < 0 ? 1 : work());
    assert_true(pid > 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static int read_a_file(void)
{
    char byte;
    int descriptor = open("/proc/self/status", O_RDONLY | O_CLOEXEC);

    return descriptor >= 0 && read(descriptor, &byte, 1) == 1 ? PASSED : 1;
}

static int run_a_child(void)
{
    int status = 1;
    pid_t pid = fork();

    if (pid == 0)
        _exit(0);
    return waitpid(pid, &status, 0) == pid && status == 0 ? PASSED : 1;
}

static int execute(void)
{
    (void)execl("/bin/true", "true", (char *)NULL);
    return PASSED;
}

static int trace(void)
{
    (void)syscall(SYS_ptrace, 0, 0, 0, 0);
    return PASSED;
}

static int open_internet_socket(void)
{
    return socket(AF_INET, SOCK_STREAM, 0) < 0 && errno == EAFNOSUPPORT ? PASSED : 1;
}

/* As when a connection arrives from a port that must be judged. */
static int look_at_the_vsock_device(void)
{
    return vsock_device_find(fixture.root) == VSOCK_DEVICE_PROCESS ? PASSED : 1;
}

static int open_unix_socket(void)
{
    return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0) >= 0 ? PASSED : 1;
}

static int map_executable(void)
{
    (void)mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return PASSED;
}

static int map_plain(void)
{
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    return page != MAP_FAILED && munmap(page, 4096) == 0 ? PASSED : 1;
}

static void test_what_the_agent_does_is_allowed(void **state)
{
    int (*const works[])(void) = {read_a_file, look_at_the_vsock_device,
                                  run_a_child, open_unix_socket,
                                  map_plain,   open_internet_socket};

    fixture_init(&fixture);
    fixture_write(&fixture, "sys/bus/virtio/devices/virtio0/device", "0x0013\n");
    fixture_write(&fixture, "sys/bus/virtio/devices/virtio0/features",
                  "0000000000000000000000000000000010000000000000000000000000000000\n");

    for (size_t i = 0; i < ARRAY_SIZE(works); i++)
        assert_int_equal(WEXITSTATUS(run(works[i])), PASSED);
    fixture_finish(&fixture);
}

static void test_anything_else_ends_it(void **state)
{
    int (*const works[])(void) = {execute, trace, map_executable};

    for (size_t i = 0; i < ARRAY_SIZE(works); i++) {
        int status = run(works[i]);
        assert_true(WIFSIGNALED(status));
        assert_int_equal(WTERMSIG(status), SIGSYS);
    }
}

static void test_program_fits(void **state)
{
    struct sock_filter program[SECCOMP_INSTRUCTIONS_MAX];

    assert_in_range(seccomp_build(program), 1, SECCOMP_INSTRUCTIONS_MAX);
}

int main(void)
{
#if defined(__SANITIZE_ADDRESS__)
    printf("skipped: the sanitizer makes system calls of its own\n");
    return 77;
#endif
    if (WEXITSTATUS(run(read_a_file)) == 1) {
        printf("skipped: this kernel, or its emulation, has no seccomp filters\n");
        return 77;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_the_agent_does_is_allowed),
        cmocka_unit_test(test_anything_else_ends_it),
        cmocka_unit_test(test_program_fits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
