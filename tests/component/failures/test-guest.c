/* What a person is told in the guest when something that people meet goes wrong: by the agent's
 * log, and by --doctor. The real program on a made-up guest. */
#include "tests/component/agent/guest.h"

#include "tests/lib/test.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/component/failures/golden.h"

static struct golden_program programs[] = {{"vmreclaim-agent", NULL}, {NULL, NULL}};
static const char *machine; /* machine.c; NULL: it cannot be preloaded here */
static struct golden golden;
static struct guest guest;

static int begin(void **state)
{
    guest_init(&guest);
    guest_write(&guest, "proc/self/status", "CapEff:\t000001ffffffffff\n");
    guest_write(&guest, "proc/sys/kernel/seccomp/actions_avail", "kill_process\n");
    guest_write(&guest, "dev/vsock", "");
    guest_write(&guest, "sys/bus/virtio/drivers/vmw_vsock_virtio_transport/bind", "");
    golden_init(&golden, guest.directory, programs);
    return 0;
}

static int end(void **state)
{
    guest_finish(&guest);
    return 0;
}

static void remove_file(const char *path)
{
    assert_int_equal(unlinkat(guest.root, path, 0), 0);
}

static void remove_directory(const char *path)
{
    assert_int_equal(unlinkat(guest.root, path, AT_REMOVEDIR), 0);
}

/* Runs until it has said so. What it says before is about the machine that the test runs on. */
static void say_until(const char *command, const char *words)
{
    pid_t child = golden_start(&golden, command);
    bool has_ended = false;
    int status;

    while (!golden_has_said(&golden, words) && !has_ended)
        has_ended = waitpid(child, &status, WNOHANG) == child;
    if (!has_ended) {
        (void)kill(child, SIGTERM);
        assert_int_equal(waitpid(child, &status, 0), child);
    }
    golden_ended(&golden, status, "no controller yet");
}

static void say_doctor(void)
{
    pid_t child = golden_start(&golden, "vmreclaim-agent --root . --state-directory $PWD --doctor "
                                        "| awk '/^[^ ]/ {p = /^FAILURE/} p'");
    int status;

    assert_int_equal(waitpid(child, &status, 0), child);
    golden_ended(&golden, status, NULL);
}

#define RUN "exec vmreclaim-agent --root . --state-directory $PWD"

static void test_module_missing(void **state)
{
    remove_file("dev/vsock");
    say_until(RUN, "trying again;");
    say_doctor();
    golden_check(&golden, "guest-module-missing");
}

static void test_no_vsock_device(void **state)
{
    if (machine == NULL) {
        print_message("nothing can be preloaded into an agent with sanitizers\n");
        skip();
    }
    remove_file("sys/bus/virtio/drivers/vmw_vsock_virtio_transport/bind");
    remove_directory("sys/bus/virtio/drivers/vmw_vsock_virtio_transport");
    assert_int_equal(setenv("LD_PRELOAD", machine, 1), 0);
    say_until(RUN, "trying again;");
    (void)unsetenv("LD_PRELOAD");
    say_doctor();
    golden_check(&golden, "guest-no-vsock-device");
}

static void test_reporting_off(void **state)
{
    guest_write(&guest, "sys/bus/virtio/drivers/virtio_balloon/virtio0/features", "0111100000\n");
    say_doctor();
    golden_check(&golden, "guest-reporting-off");
}

/* Linux 4.19: neither reporting nor memory.reclaim nor pressure. */
static void test_too_old(void **state)
{
    guest_write(&guest, "sys/bus/virtio/drivers/virtio_balloon/virtio0/features", "0111100000\n");
    remove_file("sys/module/page_reporting/parameters/page_reporting_order");
    remove_directory("sys/module/page_reporting/parameters");
    remove_directory("sys/module/page_reporting");
    remove_file("sys/fs/cgroup/memory.reclaim");
    remove_file("proc/pressure/memory");
    remove_file("proc/pressure/io");
    say_doctor();
    golden_check(&golden, "guest-too-old");
}

#define scene(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        scene(test_module_missing),
        scene(test_no_vsock_device),
        scene(test_reporting_off),
        scene(test_too_old),
    };

    if (argc < 2)
        return 2;
    programs[0].path = argv[1];
    machine = getenv("MACHINE_MODULE");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
