/* What a person is told by the daemon and the command line when something that people meet goes
 * wrong: what happened, where, and what to do. Real programs; the hypervisor is scripted, and what
 * this machine cannot be in comes from a preloaded module. */
#include "tests/component/agent/guest.h"
#include "tests/component/controller/fixture.h"

#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/util.h"
#include "tests/component/failures/golden.h"

static struct golden_program programs[] = {{"vmreclaim", NULL}, {"vmreclaimd", NULL}, {NULL, NULL}};
static const char *machine;       /* machine.c; NULL: it cannot be preloaded here */
static const char *older_program; /* answers few calls */
static struct golden golden;
static struct guest guest;

static bool has_ended(pid_t child, int *status)
{
    return waitpid(child, status, WNOHANG) == child;
}

/* The loop turns meanwhile: hypervisor and agent are on it. */
static void say(struct fixture *f, const char *command)
{
    int status = 0;
    pid_t child = golden_start(&golden, command);

    wait_for(f, has_ended(child, &status));
    golden_ended(&golden, status, NULL);
}

static int begin(void **state)
{
    struct fixture *f;
    char api[128];

    if (set_up(state) < 0)
        return -1;
    f = *state;
    golden_init(&golden, f->directory, programs);
    snprintf(api, sizeof(api), "unix:%s/api.sock", f->directory);
    return setenv("VMRECLAIM_API", api, 1);
}

static void need_machine(void)
{
    if (machine != NULL)
        return;
    print_message("nothing can be preloaded into a daemon with sanitizers\n");
    skip();
}

/* A daemon that is not to start, as a person types it. */
static void say_start(struct fixture *f, const char *options)
{
    char command[1024];

    snprintf(command, sizeof(command),
             "vmreclaimd --config /dev/null --root %s --api unix:%s/api.sock --vms %s/vms "
             "--state-directory %s/state %s",
             f->directory, f->directory, f->directory, f->directory, options);
    say(f, command);
}

static void test_module_missing(void **state)
{
    struct fixture *f = *state;

    say_start(f, "--listen vsock:any:1017");
    golden_check(&golden, "module-missing");
}

static void test_port_taken(void **state)
{
    struct fixture *f = *state;
    char other[128];

    need_machine();
    assert_int_equal(setenv("LD_PRELOAD", machine, 1), 0);
    assert_int_equal(setenv("MACHINE_BIND", "98", 1), 0);
    say_start(f, "--listen vsock:any:1017");
    (void)unsetenv("LD_PRELOAD");
    start_daemon(f, NULL);
    connect_api(f);
    say_start(f, "--listen none");
    snprintf(other, sizeof(other), "--listen none --state-directory %s/other", f->directory);
    say_start(f, other);
    golden_check(&golden, "port-taken");
}

static void start_web(struct fixture *f)
{
    put_vm(f, "web-1", NULL);
    start_daemon(f, NULL);
    connect_api(f);
}

/* What cannot come back, and what is not as it should be: how the rest looks is no matter here. */
static void say_what_is_wrong(struct fixture *f)
{
    say(f, "vmreclaim explain web-1 | sed -n '/^What cannot/,$p'");
    say(f, "vmreclaim doctor web-1 | grep -v '^ok\\|^-\\|^warning\\|^$'");
}

static void test_qmp_socket_held(void **state)
{
    struct fixture *f = *state;

    f->qmp.fault = QMP_SERVER_SILENT;
    listen_qmp(f, "web-1.qmp");
    start_web(f);
    wait_for(f, driver_says(f, "web-1", "another holds it"));
    say_what_is_wrong(f);
    say(f, "vmreclaim balloon web-1 512MiB");
    golden_check(&golden, "qmp-socket-held");
}

static void test_reporting_off(void **state)
{
    struct fixture *f = *state;

    f->qmp.free_page_reporting = false;
    start_managed(f);
    say_what_is_wrong(f);
    golden_check(&golden, "reporting-off");
}

static void test_vfio(void **state)
{
    struct fixture *f = *state;

    f->qmp.vfio_devices = 1;
    start_managed(f);
    say_what_is_wrong(f);
    say(f, "vmreclaim pulse web-1");
    say(f, "vmreclaim balloon web-1 512MiB");
    golden_check(&golden, "vfio");
}

static void test_agent_absent(void **state)
{
    struct fixture *f = *state;

    listen_qmp(f, "web-1.qmp");
    start_web(f);
    wait_for(f, driver_says(f, "web-1", "ready"));
    say(f, "vmreclaim compact web-1");
    say(f, "vmreclaim explain web-1 | sed -n '/^What you can/,$p'");
    say(f, "vmreclaim doctor web-1 | grep -v '^ok\\|^-\\|^warning\\|^$'");
    golden_check(&golden, "agent-absent");
}

/* The daemon's own word on it is the same in status. */
static void test_no_vsock_device(void **state)
{
    struct fixture *f = *state;

    f->qmp.guest_cid = 0;
    listen_qmp(f, "web-1.qmp");
    start_web(f);
    wait_for(f, driver_says(f, "web-1", "ready"));
    say(f, "vmreclaim doctor web-1 | grep -v '^ok\\|^-\\|^warning\\|^$'");
    golden_check(&golden, "no-vsock-device");
}

static void test_policy_refused(void **state)
{
    struct fixture *f = *state;

    start_managed(f);
    put(f, "night.yaml", "name: night\nprofile: balanced\ntrickel: 1GiB\n");
    say(f, "vmreclaim policy apply night.yaml --vm web-1");
    put(f, "night.yaml", "name: night\nprofile: balanced\n");
    say(f, "vmreclaim policy apply night.yaml --vm web-2");
    golden_check(&golden, "policy-refused");
}

/* The guest's owner takes no orders. */
static void test_orders_refused(void **state)
{
    const char *const arguments[] = {
        "--connect", "none", "--listen", guest.address, "--set", "allow_commands=false", NULL};
    struct fixture *f = *state;
    char file[512];

    guest_init(&guest);
    guest_start(&guest, arguments);
    snprintf(file, sizeof(file), "hypervisor: qemu:%s/web-1.qmp\nagent: unix:%s\n", f->directory,
             guest.path);
    put(f, "vms/web-1.yaml", file);
    listen_qmp(f, "web-1.qmp");
    start_daemon(f, NULL);
    connect_api(f);
    wait_for(f, is_in_state(f, "web-1", "managed"));
    say(f, "vmreclaim compact web-1");
    guest_finish(&guest);
    golden_check(&golden, "orders-refused");
}

struct older_daemon {
    FILE *input; /* it ends with it */
};

/* One that does not know all calls. */
static struct older_daemon start_older_daemon(const struct fixture *f)
{
    struct older_daemon older;
    char command[512];

    snprintf(command, sizeof(command), "mkfifo %s/ready; exec %s unix:%s/api.sock.old >%s/ready",
             f->directory, older_program, f->directory, f->directory);
    older.input = popen(command, "we");
    assert_non_null(older.input);
    snprintf(command, sizeof(command), "until read word <%s/ready; do :; done 2>/dev/null",
             f->directory);
    assert_int_equal(system(command), 0);
    return older;
}

static void stop_older_daemon(struct older_daemon *older)
{
    assert_int_equal(pclose(older->input), 0);
}

/* A command that an older daemon does not know, and one that an older agent does not. */
static void test_version_skew(void **state)
{
    struct fixture *f = *state;

    struct older_daemon older = start_older_daemon(f);

    say(f, "vmreclaim --api $VMRECLAIM_API.old halt web-1");
    stop_older_daemon(&older);
    start_managed(f);
    f->agent.lacks_reclaim = true;
    say(f, "vmreclaim reclaim web-1");
    golden_check(&golden, "version-skew");
}

static void test_full_disk(void **state)
{
    struct fixture *f = *state;
    char path[128];

    need_machine();
    snprintf(path, sizeof(path), "%s/full", f->directory);
    assert_int_equal(setenv("MACHINE_FULL", path, 1), 0);
    assert_int_equal(setenv("LD_PRELOAD", machine, 1), 0);
    start_managed(f);
    (void)unsetenv("LD_PRELOAD");
    (void)unsetenv("MACHINE_FULL");
    put(f, "full", "");
    put(f, "night.yaml", "name: night\nprofile: gentle\n");
    say(f, "vmreclaim policy apply night.yaml --vm web-1");
    say(f, "vmreclaim balloon web-1 900MiB");
    say(f, "vmreclaim status | sed -n '/^VMs/p;/^$/,$p'");
    golden_check(&golden, "full-disk");
}

#define AS_NOBODY "setpriv --reuid=65534 --regid=65534 --clear-groups "

static void test_wrong_group(void **state)
{
    struct fixture *f = *state;
    char *more[] = {text("--read-group"), text("nogroup"), NULL};

    if (geteuid() != 0) {
        print_message("needs root, to be another user\n");
        skip();
    }
    assert_int_equal(fchmod(f->root, 0755), 0);
    start_managed(f);
    say(f, AS_NOBODY "vmreclaim vm list");
    stop_daemon(f, 0);
    start_daemon(f, more);
    connect_api(f);
    say(f, AS_NOBODY "vmreclaim compact web-1");
    say(f, "setpriv --reuid=65533 --regid=65533 --clear-groups vmreclaim vm list");
    golden_check(&golden, "wrong-group");
}

#define scene(name) cmocka_unit_test_setup_teardown(name, begin, tear_down)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        scene(test_module_missing),  scene(test_port_taken),     scene(test_qmp_socket_held),
        scene(test_reporting_off),   scene(test_vfio),           scene(test_agent_absent),
        scene(test_no_vsock_device), scene(test_policy_refused), scene(test_orders_refused),
        scene(test_version_skew),    scene(test_full_disk),      scene(test_wrong_group),
    };

    if (argc < 5)
        return 2;
    program = programs[1].path = argv[1];
    programs[0].path = argv[2];
    older_program = argv[3];
    guest_agent_program = argv[4];
    machine = getenv("MACHINE_MODULE");
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
