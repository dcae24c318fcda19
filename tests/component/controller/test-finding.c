/* VMs that nobody has written down: the real vmreclaimd finds their hypervisors by their processes.
 */
#include "tests/component/controller/fixture.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/util.h"

#define UUID "11111111-2222-3333-4444-555555555555"

static void put_bytes(const struct fixture *f, const char *name, const char *bytes, size_t length)
{
    char path[64];
    int descriptor;

    snprintf(path, sizeof(path), "proc/%d/%s", (int)getpid(), name);
    descriptor = openat(f->root, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(descriptor >= 0);
    assert_int_equal(write(descriptor, bytes, length), length);
    close(descriptor);
}

/* The test's own process is the hypervisor. `options` are words. */
static void put_process(const struct fixture *f, const char *options)
{
    static const char status[] = "Name:\tqemu\nUid:\t0\t0\t0\t0\nRssAnon:\t 819200 kB\n"
                                 "RssShmem:\t 0 kB\nVmSwap:\t 0 kB\n";
    char line[512];
    int length = snprintf(line, sizeof(line), "qemu-system-x86_64 -name web-1 %s", options);

    for (int i = 0; i < length; i++)
        if (line[i] == ' ')
            line[i] = '\0';
    put_bytes(f, "status", status, sizeof(status) - 1);
    put_bytes(f, "cmdline", line, (size_t)length + 1);
    put_bytes(f, "comm", "qemu-system-x86\n", 16);
}

static void end_process(const struct fixture *f)
{
    put_bytes(f, "comm", "bash\n", 5);
}

static void start(struct fixture *f)
{
    start_daemon(f, NULL);
    connect_api(f);
}

static bool holds_memory(struct fixture *f)
{
    const Vm *vm = get_vm(f, "web-1");

    return vm != NULL && vm->waterfall != NULL && vm->waterfall->host_is_known;
}

static void test_a_process_is_a_vm(void **state)
{
    Vmreclaim__Controller__V1__PulseVmRequest pulse =
        VMRECLAIM__CONTROLLER__V1__PULSE_VM_REQUEST__INIT;
    struct fixture *f = *state;
    char options[192];

    snprintf(options, sizeof(options), "-uuid " UUID " -qmp unix:%s/any.qmp,server=on",
             f->directory);
    put_process(f, options);
    listen_qmp(f, "any.qmp");
    f->qmp.free_page_reporting = false;
    start(f);
    wait_for(f, driver_says(f, "web-1", "ready"));
    assert_string_equal(get_vm(f, "web-1")->uuid, UUID);
    assert_string_equal(get_vm(f, "web-1")->driver, "qemu");
    wait_for(f, holds_memory(f));
    /* It is only observed: nothing was switched on in it. */
    assert_int_equal(f->qmp.statistics.interval, 0);
    pulse.vm = text("web-1");
    call(f, "Pulse", &pulse.base);
    assert_int_equal(f->code, TTRPC_FAILED_PRECONDITION);
    assert_non_null(strstr(f->message, "its monitor serves other clients too"));
    assert_int_equal(f->qmp.statistics.interval, 0);
    assert_int_equal(f->qmp.balloon_commands, 0);
}

static void test_a_process_that_nobody_can_ask(void **state)
{
    struct fixture *f = *state;
    const Vm *vm;

    put_process(f, "-nographic");
    start(f);
    wait_for(f, holds_memory(f));
    vm = get_vm(f, "web-1");
    assert_string_equal(vm->driver, "");
    assert_non_null(strstr(vm->driver_state, "names no socket"));
    assert_int_equal(vm->pid, getpid());
    assert_true(vm->waterfall->footprint > 0);
    assert_false(vm->waterfall->guest_is_known);
}

static void test_a_process_that_ends(void **state)
{
    struct fixture *f = *state;

    put_process(f, "-nographic");
    start(f);
    wait_for(f, get_vm(f, "web-1") != NULL);
    end_process(f);
    wait_for(f, get_vm(f, "web-1") == NULL);
}

/* Proxmox VE's file system hangs, as a pipe does that nobody writes to: what runs is found all the
 * same, and the daemon ends. */
static void test_a_cluster_that_hangs(void **state)
{
    static const char *const directories[] = {"etc", "etc/pve", "etc/pve/qemu-server"};
    struct fixture *f = *state;

    for (size_t i = 0; i < ARRAY_SIZE(directories); i++)
        assert_int_equal(mkdirat(f->root, directories[i], 0755), 0);
    assert_int_equal(mkfifoat(f->root, "etc/pve/qemu-server/100.conf", 0600), 0);
    put_process(f, "-chardev socket,id=q,path=/var/run/qemu-server/100.qmp,server=on "
                   "-mon chardev=q,mode=control");
    start(f);
    wait_for(f, get_vm(f, "web-1") != NULL);
    wait_for(f, log_has(f, "/etc/pve does not answer"));
    end_process(f);
    wait_for(f, get_vm(f, "web-1") == NULL);
    stop_daemon(f, 0);
}

static void test_nobody_looks_for_processes(void **state)
{
    char *const more[] = {(char *)"--find-processes", (char *)"no", NULL};
    struct fixture *f = *state;

    put_process(f, "-nographic");
    put(f, "vms/other.yaml", "cid: 7\n");
    start_daemon(f, more);
    connect_api(f);
    wait_for(f, get_vm(f, "other") != NULL);
    for (unsigned i = 0; i < 20; i++)
        assert_null(get_vm(f, "web-1"));
}

#define finding_test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        finding_test(test_a_process_is_a_vm),
        finding_test(test_a_process_that_nobody_can_ask),
        finding_test(test_a_process_that_ends),
        finding_test(test_a_cluster_that_hangs),
        finding_test(test_nobody_looks_for_processes),
    };

    if (argc != 2)
        return 2;
    program = argv[1];
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
