/* Leases of the real vmreclaimd: the guest's size is right whatever happens, also when the daemon
 * is killed at every single step. */
#include "tests/component/controller/fixture.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/number.h"

#define CRASH_POINTS_MAX 200

typedef Vmreclaim__Controller__V1__Action Action;

static const Action *action_of(const struct fixture *f)
{
    return ((const Vmreclaim__Controller__V1__ActionResponse *)f->response)->action;
}

static void set_balloon(struct fixture *f, uint64_t size, nsec_t duration)
{
    Vmreclaim__Controller__V1__SetBalloonRequest request =
        VMRECLAIM__CONTROLLER__V1__SET_BALLOON_REQUEST__INIT;

    request.vm = (char *)(uintptr_t) "web-1";
    request.size = size;
    request.duration_ns = duration;
    request.owner = (char *)(uintptr_t) "tester";
    call(f, "SetBalloon", &request.base);
}

static void release_balloon(struct fixture *f)
{
    Vmreclaim__Controller__V1__ReleaseBalloonRequest request =
        VMRECLAIM__CONTROLLER__V1__RELEASE_BALLOON_REQUEST__INIT;

    request.vm = (char *)(uintptr_t) "web-1";
    call(f, "ReleaseBalloon", &request.base);
}

/* The daemon with a fresh sample of the guest. */
static void start_ready(struct fixture *f)
{
    start_managed(f);
    wait_for(f, get_vm(f, "web-1")->waterfall->guest_is_known);
}

static uint64_t lease_of(struct fixture *f)
{
    const Vm *vm = get_vm(f, "web-1");

    return vm == NULL ? UINT64_MAX : vm->balloon_lease;
}

static void restart_daemon(struct fixture *f)
{
    start_daemon(f, NULL);
    connect_api(f);
    wait_for(f, driver_says(f, "web-1", "ready"));
}

static void test_a_lease_and_its_release(void **state)
{
    struct fixture *f = *state;
    const Vm *vm;

    start_ready(f);
    set_balloon(f, 768 * MIB, 0);
    assert_int_equal(f->code, TTRPC_OK);
    assert_true(action_of(f)->finished);
    assert_int_equal(f->qmp.balloon_actual, 768 * MIB);
    vm = get_vm(f, "web-1");
    assert_int_equal(vm->balloon_lease, 256 * MIB);
    assert_int_equal(vm->balloon_baseline, GIB);
    assert_int_equal(vm->balloon_target, 768 * MIB);
    assert_string_equal(vm->balloon_owner, "tester");
    release_balloon(f);
    assert_int_equal(f->code, TTRPC_OK);
    assert_int_equal(f->qmp.balloon_actual, GIB);
    assert_int_equal(lease_of(f), 0);
    release_balloon(f);
    assert_int_equal(f->code, TTRPC_NOT_FOUND);
}

static void test_an_expired_lease(void **state)
{
    struct fixture *f = *state;

    start_ready(f);
    set_balloon(f, 768 * MIB, 1 * NSEC_PER_SEC);
    wait_for(f, lease_of(f) == 0 && f->qmp.balloon_actual == GIB);
    assert_true(log_has(f, "a lease expired"));
}

static void test_what_cannot_be_taken(void **state)
{
    struct fixture *f = *state;

    start_ready(f);
    set_balloon(f, 100 * MIB, 0);
    assert_int_equal(f->code, TTRPC_FAILED_PRECONDITION);
    assert_non_null(strstr(f->message, "could give"));
    set_balloon(f, 32 * MIB, 0);
    assert_int_equal(f->code, TTRPC_INVALID_ARGUMENT);
    set_balloon(f, 2 * GIB, 0);
    assert_int_equal(f->code, TTRPC_INVALID_ARGUMENT);
    assert_int_equal(f->qmp.balloon_commands, 0);
}

static void test_pressure_raises_at_once(void **state)
{
    struct fixture *f = *state;
    nsec_t begun;

    start_ready(f);
    set_balloon(f, 768 * MIB, 0);
    begun = time_monotonic();
    fake_agent_pressure(&f->agent, 10 * MIB);
    wait_for(f, f->qmp.balloon_target == GIB);
    print_message("raised %llu ms after the pressure event\n",
                  (unsigned long long)((time_monotonic() - begun) / NSEC_PER_MSEC));
    wait_for(f, log_has(f, "the guest needs memory"));
    wait_for(f, lease_of(f) == 0);
}

static void test_a_foreign_change(void **state)
{
    struct fixture *f = *state;

    start_ready(f);
    set_balloon(f, 768 * MIB, 0);
    /* Changes within seconds of our own command may be late news of it. */
    for (nsec_t end = time_monotonic() + 4 * NSEC_PER_SEC; time_monotonic() < end;)
        (void)uv_run(&f->loop, UV_RUN_ONCE);
    qmp_server_move_balloon(&f->qmp, 640 * MIB);
    wait_for(f, log_has(f, "someone else moves the balloon"));
    wait_for(f, lease_of(f) == 0);
    assert_int_equal(f->qmp.balloon_target, 640 * MIB);
}

static void test_a_reset(void **state)
{
    struct fixture *f = *state;

    start_ready(f);
    set_balloon(f, 768 * MIB, 0);
    qmp_server_event(&f->qmp, "RESET", NULL);
    wait_for(f, f->qmp.balloon_target == GIB);
    wait_for(f, lease_of(f) == 0);
    assert_true(log_has(f, "reset, migrated or restored"));
}

static void test_an_assigned_device(void **state)
{
    struct fixture *f = *state;

    f->qmp.vfio_devices = 1;
    start_ready(f);
    set_balloon(f, 768 * MIB, 0);
    assert_int_equal(f->code, TTRPC_FAILED_PRECONDITION);
    assert_non_null(strstr(f->message, "assigned device"));
}

static void test_a_planned_restart_keeps_leases(void **state)
{
    struct fixture *f = *state;

    start_ready(f);
    set_balloon(f, 768 * MIB, 0);
    stop_daemon(f, 0);
    assert_int_equal(f->qmp.balloon_target, 768 * MIB);
    restart_daemon(f);
    wait_for(f, lease_of(f) == 256 * MIB);
    wait_for(f, f->qmp.balloon_target == 768 * MIB);
    release_balloon(f);
    assert_int_equal(f->qmp.balloon_actual, GIB);
}

static void test_a_reboot_while_the_daemon_is_away(void **state)
{
    struct fixture *f = *state;

    start_ready(f);
    set_balloon(f, 768 * MIB, 0);
    stop_daemon(f, 0);
    (void)snprintf(f->agent.boot_id, sizeof(f->agent.boot_id),
                   "aaaaaaaa-0000-0000-0000-000000000002");
    restart_daemon(f);
    wait_for(f, lease_of(f) == 0 && f->qmp.balloon_target == GIB);
}

static void test_a_stuck_guest(void **state)
{
    struct fixture *f = *state;

    f->qmp.balloon_is_stuck = true;
    start_ready(f);
    set_balloon(f, 768 * MIB, 0);
    assert_int_equal(f->code, TTRPC_OK);
    assert_non_null(strstr(action_of(f)->reason, "does not give more"));
    f->qmp.balloon_is_stuck = false;
    release_balloon(f);
    wait_for(f, lease_of(f) == 0 && f->qmp.balloon_actual == GIB);
}

/* The hypervisor ends, and one starts in its place. */
static void test_the_hypervisor_ends(void **state)
{
    struct fixture *f = *state;

    start_ready(f);
    set_balloon(f, 768 * MIB, 0);
    put_dead_process(f);
    wait_for(f, log_has(f, "hypervisor process") && log_has(f, "ended"));
    wait_for(f, log_has(f, "a lease of 268435456 bytes ends"));
    f->qmp.balloon_actual = GIB;
    f->qmp.balloon_commands = 0;
    put_footprint(f, 700 * 1024);
    wait_for(f, is_in_state(f, "web-1", "managed") && driver_says(f, "web-1", "ready"));
    assert_int_equal(lease_of(f), 0);
    assert_int_equal(f->qmp.balloon_commands, 0);
    stop_daemon(f, 0);
    restart_daemon(f);
    assert_int_equal(lease_of(f), 0); /* nor in the journal */
}

/* The daemon is dead and stays it. */
static void test_release_without_a_daemon(void **state)
{
    char *const release[] = {(char *)(uintptr_t) "--release-expired", NULL};
    struct fixture *f = *state;
    int status;

    start_ready(f);
    set_balloon(f, 768 * MIB, 2 * NSEC_PER_SEC);
    assert_int_equal(f->code, TTRPC_OK);
    (void)kill(f->daemon, SIGKILL);
    assert_int_equal(waitpid(f->daemon, &status, 0), f->daemon);
    wait_for(f, f->api == NULL);
    for (nsec_t end = time_monotonic() + 2 * NSEC_PER_SEC; time_monotonic() < end;)
        (void)uv_run(&f->loop, UV_RUN_ONCE);
    assert_int_equal(f->qmp.balloon_actual, 768 * MIB);
    start_daemon(f, release);
    wait_for(f, waitpid(f->daemon, &status, WNOHANG) == f->daemon);
    f->daemon = 0;
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_int_equal(f->qmp.balloon_actual, GIB);
    assert_true(log_has(f, "1 expired leases were released"));
}

/* ---- crashes ---- */

static bool daemon_died(struct fixture *f)
{
    int status;

    return waitpid(f->daemon, &status, WNOHANG) == f->daemon;
}

/* As call(), but the daemon may die; then nothing was answered. */
static bool call_or_die(struct fixture *f, const char *method, const ProtobufCMessage *request)
{
    f->answered = false;
    free_response(f);
    if (f->api == NULL ||
        ttrpc_call_unary(f->api, &vmreclaim__controller__v1__controller__descriptor, method,
                         request, WAIT_MAX, on_result, f, NULL) < 0)
        return false;
    wait_for(f, f->answered);
    return f->code == TTRPC_OK;
}

static void take_and_give_back(struct fixture *f)
{
    Vmreclaim__Controller__V1__SetBalloonRequest set =
        VMRECLAIM__CONTROLLER__V1__SET_BALLOON_REQUEST__INIT;
    Vmreclaim__Controller__V1__ReleaseBalloonRequest release =
        VMRECLAIM__CONTROLLER__V1__RELEASE_BALLOON_REQUEST__INIT;

    set.vm = (char *)(uintptr_t) "web-1";
    set.size = 768 * MIB;
    set.owner = (char *)(uintptr_t) "tester";
    release.vm = (char *)(uintptr_t) "web-1";
    if (call_or_die(f, "SetBalloon", &set.base))
        (void)call_or_die(f, "ReleaseBalloon", &release.base);
}

/* Held whole, or given back whole. */
static bool is_consistent(struct fixture *f)
{
    uint64_t lease = lease_of(f);

    return (lease == 0 && f->qmp.balloon_target == GIB && f->qmp.balloon_actual == GIB) ||
           (lease == 256 * MIB && f->qmp.balloon_target == 768 * MIB &&
            f->qmp.balloon_actual == 768 * MIB);
}

/* One run that dies at point `n`. False: it came to its end before. */
static bool crash_at(struct fixture *f, unsigned n, unsigned *held)
{
    char number[16];

    (void)snprintf(number, sizeof(number), "%u", n);
    (void)setenv("VMRECLAIM_CRASH_AT", number, 1);
    start_daemon(f, NULL);
    (void)unsetenv("VMRECLAIM_CRASH_AT");
    connect_api(f);
    wait_for(f, is_in_state(f, "web-1", "managed") && driver_says(f, "web-1", "ready") &&
                    get_vm(f, "web-1")->waterfall->guest_is_known);
    take_and_give_back(f);
    if (f->api != NULL) {
        stop_daemon(f, 0);
        return false;
    }
    wait_for(f, daemon_died(f));
    restart_daemon(f);
    wait_for(f, is_consistent(f));
    if (lease_of(f) != 0) {
        (*held)++;
        release_balloon(f);
        assert_int_equal(f->code, TTRPC_OK);
    }
    assert_int_equal(f->qmp.balloon_actual, GIB);
    stop_daemon(f, 0);
    return true;
}

static void test_a_crash_at_every_step(void **state)
{
    struct fixture *f = *state;
    unsigned n = 1;
    unsigned held = 0;

    put_vm(f, "web-1", "/agent.sock");
    listen_qmp(f, "web-1.qmp");
    listen_agent(f);
    while (n < CRASH_POINTS_MAX && crash_at(f, n, &held))
        n++;
    print_message("%u crash points: %u resumed, %u released\n", n - 1, held, n - 1 - held);
    assert_true(n > 12);
    assert_true(n < CRASH_POINTS_MAX);
    assert_true(held > 0);
}

#define lease_test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        lease_test(test_a_lease_and_its_release),
        lease_test(test_an_expired_lease),
        lease_test(test_what_cannot_be_taken),
        lease_test(test_pressure_raises_at_once),
        lease_test(test_a_foreign_change),
        lease_test(test_a_reset),
        lease_test(test_an_assigned_device),
        lease_test(test_a_planned_restart_keeps_leases),
        lease_test(test_a_reboot_while_the_daemon_is_away),
        lease_test(test_a_stuck_guest),
        lease_test(test_the_hypervisor_ends),
        lease_test(test_release_without_a_daemon),
        lease_test(test_a_crash_at_every_step),
    };

    if (argc < 2)
        return 2;
    program = argv[1];
    (void)signal(SIGPIPE, SIG_IGN);
    if (argc > 2)
        cmocka_set_test_filter(argv[2]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
