/* The real vmreclaimd, with the drivers for Firecracker and Cloud Hypervisor as modules, and strict
 * fakes of both: a VM that only its API socket names is found, measured, reached through its own
 * vsock device, and lends memory. */
#include "tests/component/controller/lease-calls.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/number.h"
#include "tests/component/controller/parallel.h"
#include "tests/fakes/cloud-hypervisor.h"
#include "tests/fakes/firecracker.h"
#include "tests/fakes/hybrid.h"

static char modules[256]; /* beside the daemon */

static struct fake_firecracker firecracker;
static struct fake_cloud_hypervisor cloud;
static struct fake_hybrid hybrid;
static char api_path[100];
static char vsock_path[100];

static void on_connected(int descriptor, void *userdata)
{
    struct fixture *f = userdata;

    fake_agent_serve(&f->agent, descriptor);
}

static int set_up_fakes(void **state)
{
    struct fixture *f;

    if (set_up(state) < 0)
        return -1;
    f = *state;
    snprintf(api_path, sizeof(api_path), "%s/vms-here/web-1.sock", f->directory);
    snprintf(vsock_path, sizeof(vsock_path), "%s/vms-here/web-1.vsock", f->directory);
    assert_int_equal(mkdirat(f->root, "vms-here", 0755), 0);
    fake_firecracker_init(&firecracker, &f->loop);
    firecracker.uds_path = vsock_path;
    fake_cloud_hypervisor_init(&cloud, &f->loop);
    cloud.socket = vsock_path;
    return fake_hybrid_listen(&hybrid, &f->loop, vsock_path, 1017, on_connected, f);
}

static int tear_down_fakes(void **state)
{
    micro_http_close(&firecracker.http);
    micro_http_close(&cloud.http);
    fake_hybrid_close(&hybrid);
    return tear_down(state);
}

/* Nothing is written by hand but where to look. */
static void start(struct fixture *f, const char *driver, struct micro_http *http)
{
    char place[128];
    char *more[] = {(char *)"--drivers", modules, (char *)"--hypervisor-directory", place, NULL};

    snprintf(place, sizeof(place), "%s:%s/vms-here", driver, f->directory);
    put_footprint(f, 300 * 1024);
    assert_int_equal(micro_http_listen(http, api_path), 0);
    start_daemon(f, more);
    connect_api(f);
    wait_for(f, driver_says(f, "web-1", "ready"));
}

static bool has_agent(struct fixture *f)
{
    const Vm *vm = get_vm(f, "web-1");

    return vm != NULL && vm->agent_connected && vm->announced && vm->waterfall != NULL &&
           vm->waterfall->guest_is_known && vm->waterfall->host_is_known;
}

static void assert_whole(struct fixture *f, const char *driver)
{
    const Vm *vm;

    wait_for(f, has_agent(f));
    vm = get_vm(f, "web-1");
    assert_string_equal(vm->driver, driver);
    assert_int_equal(vm->pid, getpid());
    assert_int_equal(vm->cid, 0); /* the microVM's own number is nobody else's */
    assert_string_equal(vm->reporting, "on");
    assert_int_equal(vm->waterfall->vm_ram, GIB);
    assert_true(vm->waterfall->balloon_is_known);
    assert_int_equal(vm->balloon_maximum, GIB);
}

/* NULL: there is no such check. */
static const Vmreclaim__Controller__V1__Check *check_of(struct fixture *f, const char *name)
{
    Vmreclaim__Controller__V1__DiagnoseRequest request =
        VMRECLAIM__CONTROLLER__V1__DIAGNOSE_REQUEST__INIT;
    const Vmreclaim__Controller__V1__DiagnoseResponse *response;

    request.vm = (char *)"web-1";
    call(f, "Diagnose", &request.base);
    assert_int_equal(f->code, TTRPC_OK);
    response = (const Vmreclaim__Controller__V1__DiagnoseResponse *)f->response;
    assert_string_equal(response->place, api_path);
    for (size_t i = 0; i < response->n_checks; i++)
        if (strcmp(response->checks[i]->name, name) == 0)
            return response->checks[i];
    return NULL;
}

static void test_doctor(void **state)
{
    struct fixture *f = *state;

    firecracker.deflate_on_oom = false;
    start(f, "firecracker", &firecracker.http);
    assert_whole(f, "firecracker");
    assert_string_equal(check_of(f, "hypervisor")->status, "ok");
    assert_string_equal(check_of(f, "agent")->status, "ok");
    assert_string_equal(check_of(f, "vsock device")->status, "ok");
    assert_string_equal(check_of(f, "free page reporting")->status, "ok");
    assert_string_equal(check_of(f, "deflate on OOM")->status, "warning");
    assert_string_equal(check_of(f, "deflate on OOM")->time, "cold-start");
    assert_non_null(strstr(check_of(f, "deflate on OOM")->line, "PUT /balloon"));
    assert_null(check_of(f, "QMP socket"));
    stop_daemon(f, 0);
}

static void test_firecracker(void **state)
{
    struct fixture *f = *state;

    start(f, "firecracker", &firecracker.http);
    assert_whole(f, "firecracker");
    set_balloon(f, 960 * MIB, 0);
    wait_for(f, firecracker.amount_mib == 64);
    wait_for(f, get_vm(f, "web-1")->waterfall->balloon == 64 * MIB);
    release_balloon(f);
    wait_for(f, firecracker.amount_mib == 0);
    stop_daemon(f, 0);
}

static void test_cloud_hypervisor(void **state)
{
    struct fixture *f = *state;

    start(f, "cloud-hypervisor", &cloud.http);
    assert_whole(f, "cloud-hypervisor");
    set_balloon(f, 960 * MIB, 0);
    wait_for(f, cloud.balloon_size == 64 * MIB);
    release_balloon(f);
    wait_for(f, cloud.balloon_size == 0);
    stop_daemon(f, 0);
}

/* The vsock socket is another process': whose guest answers there is not known. */
static void test_another_serves_the_vsock(void **state)
{
    struct fixture *f = *state;
    pid_t other;

    fake_hybrid_close(&hybrid);
    (void)unlink(vsock_path);
    other = fork();
    if (other == 0) {
        int watched = prctl(PR_SET_PDEATHSIG, SIGKILL);
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        int listener = socket(AF_UNIX, SOCK_STREAM, 0);
        int connection;

        snprintf(address.sun_path, sizeof(address.sun_path), "%s", vsock_path);
        if (watched < 0 || bind(listener, (struct sockaddr *)&address, sizeof(address)) < 0 ||
            listen(listener, 4) < 0)
            _exit(1);
        while ((connection = accept(listener, NULL, NULL)) >= 0)
            (void)send(connection, "OK 1073741824\n", 14, MSG_NOSIGNAL);
        _exit(0);
    }
    while (access(vsock_path, F_OK) < 0)
        uv_run(&f->loop, UV_RUN_ONCE);
    start(f, "firecracker", &firecracker.http);
    wait_for(f, log_has(f, "is served by process"));
    assert_false(get_vm(f, "web-1")->agent_connected);
    (void)kill(other, SIGKILL);
    assert_int_equal(waitpid(other, NULL, 0), other);
    stop_daemon(f, 0);
}

/* A snapshot holds the API for longer than anybody waits; the agent goes on. */
static void test_a_held_api(void **state)
{
    struct fixture *f = *state;

    start(f, "firecracker", &firecracker.http);
    assert_whole(f, "firecracker");
    micro_http_stall(&firecracker.http, true);
    wait_for(f, strstr(get_vm(f, "web-1")->driver_state, "no answer") != NULL);
    assert_true(get_vm(f, "web-1")->agent_connected);
    assert_true(firecracker.http.connection_count <= 1);
    micro_http_stall(&firecracker.http, false);
    wait_for(f, strcmp(get_vm(f, "web-1")->driver_state, "ready") == 0);
    stop_daemon(f, 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_firecracker, set_up_fakes, tear_down_fakes),
        cmocka_unit_test_setup_teardown(test_cloud_hypervisor, set_up_fakes, tear_down_fakes),
        cmocka_unit_test_setup_teardown(test_doctor, set_up_fakes, tear_down_fakes),
        cmocka_unit_test_setup_teardown(test_another_serves_the_vsock, set_up_fakes,
                                        tear_down_fakes),
        cmocka_unit_test_setup_teardown(test_a_held_api, set_up_fakes, tear_down_fakes),
    };

    if (argc > 1)
        snprintf(modules, sizeof(modules), "%.*s/hypervisors",
                 (int)(strrchr(argv[1], '/') - argv[1]), argv[1]);
    return run_apart(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
