/* Pulses of a guest without an agent: what its balloon's statistics say is all that is known. */
#include "tests/component/controller/lease-calls.h"

#include <string.h>

#include "common/base/number.h"
#include "common/base/util.h"
#include "tests/component/controller/parallel.h"

#define FREE     (700 * MIB)
#define HEADROOM (256 * MIB)

static struct fixture *scene;
static uint64_t lowest; /* the guest ever was */

/* The host has got what the guest has given. */
static void on_command(struct qmp_server *server, const char *command, void *userdata)
{
    if (server->balloon_actual >= lowest)
        return;
    lowest = server->balloon_actual;
    put_footprint(scene, 1000 * 1024 - (GIB - lowest) / 1024);
}

static void start(struct fixture *f, uint64_t free)
{
    scene = f;
    lowest = GIB;
    f->qmp.free_page_reporting = f->qmp.guest_declines_reporting;
    f->qmp.statistics.free = free;
    f->qmp.statistics.interval = 2; /* its owner's */
    f->qmp.on_command = on_command;
    put_vm(f, "web-1", NULL);
    put_footprint(f, 1000 * 1024);
    listen_qmp(f, "web-1.qmp");
    start_daemon(f, NULL);
    connect_api(f);
    wait_for(f, driver_says(f, "web-1", "ready"));
}

static void pulse(struct fixture *f)
{
    Vmreclaim__Controller__V1__PulseVmRequest request =
        VMRECLAIM__CONTROLLER__V1__PULSE_VM_REQUEST__INIT;

    request.vm = text("web-1");
    call(f, "Pulse", &request.base);
}

static void test_what_is_free_comes_back(void **state)
{
    struct fixture *f = *state;

    start(f, FREE);
    pulse(f);
    assert_int_equal(f->code, TTRPC_OK);
    assert_string_equal(action_of(f)->reason, "");
    assert_true(action_of(f)->host_returned >= (int64_t)(FREE - HEADROOM - 4 * MIB));
    assert_true(lowest >= GIB - (FREE - HEADROOM));
    wait_for(f, f->qmp.balloon_actual == GIB);
    assert_true(f->qmp.statistics.pokes > 7); /* between the steps the guest was asked */
    stop_daemon(f, 0);
    assert_int_equal(f->qmp.statistics.interval, 2);
}

static void test_without_figures_nothing_is_taken(void **state)
{
    struct fixture *f = *state;

    start(f, 0);
    pulse(f);
    assert_int_equal(f->code, TTRPC_FAILED_PRECONDITION);
    assert_non_null(strstr(f->message, "its balloon driver leaves out total, free or available"));
    assert_true(lowest == GIB);
    stop_daemon(f, 0);
    assert_int_equal(f->qmp.statistics.interval, 2);
}

/* Offered, and a driver that does not use it, as that of Windows: nothing comes back by itself. */
static void test_reporting_that_the_guest_does_not_use(void **state)
{
    struct fixture *f = *state;

    f->qmp.guest_declines_reporting = true;
    start(f, FREE);
    assert_string_equal(get_vm(f, "web-1")->reporting,
                        "inert: offered, and the guest does not use it");
    pulse(f);
    assert_int_equal(f->code, TTRPC_OK);
    assert_true(action_of(f)->host_returned >= (int64_t)(FREE - HEADROOM - 4 * MIB));
}

/* Windows without its service: the moment of the driver's start, for ever. */
static void test_windows_without_its_service(void **state)
{
    struct fixture *f = *state;

    f->qmp.statistics.has_no_figure = true;
    start(f, 0);
    pulse(f);
    assert_int_equal(f->code, TTRPC_FAILED_PRECONDITION);
    assert_non_null(strstr(f->message, "in Windows start BalloonService"));
    assert_non_null(strstr(get_vm(f, "web-1")->statistics_problem, "BalloonService"));
    assert_true(lowest == GIB);
}

/* FreeBSD's driver has none. */
static void test_a_driver_without_statistics(void **state)
{
    struct fixture *f = *state;

    f->qmp.statistics.has_no_figure = true;
    f->qmp.statistics.updated = 0;
    start(f, 0);
    pulse(f);
    assert_int_equal(f->code, TTRPC_FAILED_PRECONDITION);
    assert_non_null(strstr(f->message, "has sent no statistics"));
    assert_true(lowest == GIB);
}

/* ---- by policy ---- */

static bool pulse_says(struct fixture *f, const char *words)
{
    const Vm *vm = get_vm(f, "web-1");

    return vm != NULL && strstr(vm->pulse, words) != NULL;
}

#define POLICY "name: night\nprofile: balanced\nidle_window: 5s\nsample_interval: 5s\n"

/* What became of the policy on the VM. */
static const Vmreclaim__Controller__V1__VmPolicyResult *result(const struct fixture *f)
{
    const Vmreclaim__Controller__V1__ApplyVmPolicyResponse *response = (const void *)f->response;

    assert_int_equal(response->n_results, 1);
    return response->results[0];
}

static void test_a_calm_guest_is_pulsed_by_its_policy(void **state)
{
    struct fixture *f = *state;

    start(f, FREE);
    wait_for(f, pulse_says(f, "no policy is assigned"));
    assert_true(lowest == GIB);
    apply_policy(f, POLICY);
    assert_int_equal(result(f)->outcome,
                     VMRECLAIM__CONTROLLER__V1__POLICY_OUTCOME__POLICY_OUTCOME_PENDING);
    assert_non_null(strstr(result(f)->reason, "all but its pulses"));
    wait_for(f, lowest <= GIB - (FREE - HEADROOM - 4 * MIB));
    wait_for(f, f->qmp.balloon_actual == GIB);
    /* All of it has come back: there is no need of another. */
    wait_for(f, pulse_says(f, "of what is free, the host holds"));
    stop_daemon(f, 0);
    assert_int_equal(f->qmp.statistics.interval, 2);
}

static void test_a_policy_may_forbid_it(void **state)
{
    struct fixture *f = *state;

    start(f, FREE);
    apply_policy(f, POLICY "pulse: false\n");
    assert_null(strstr(result(f)->reason, "all but its pulses"));
    wait_for(f, pulse_says(f, "its policy has pulse: false"));
    assert_true(lowest == GIB);
}

static void test_statistics_without_figures(void **state)
{
    struct fixture *f = *state;

    start(f, 0);
    apply_policy(f, POLICY);
    wait_for(f, pulse_says(f, "its balloon driver"));
    assert_true(lowest == GIB);
}

static void move_by_hand(struct fixture *f)
{
    qmp_server_move_balloon(&f->qmp, GIB - 2 * MIB);
}

static void test_who_moves_the_balloon_by_hand_has_it(void **state)
{
    struct fixture *f = *state;

    start(f, FREE);
    apply_policy(f, POLICY);
    wait_for(f, pulse_says(f, "the guest is not idle") || pulse_says(f, "watched"));
    move_by_hand(f);
    wait_for(f, pulse_says(f, "somebody else has moved its balloon"));
    assert_true(lowest >= GIB - 2 * MIB);
}

/* One with an agent has more to give: its engine is told that cache is worth freeing. */
static void test_an_agent_knows_of_pulses(void **state)
{
    struct fixture *f = *state;

    scene = f;
    f->qmp.free_page_reporting = false;
    start_ready(f);
    apply_policy(f, POLICY);
    wait_for(f, f->agent.takes_free);
    apply_policy(f, POLICY "pulse: false\n");
    wait_for(f, !f->agent.takes_free);
}

#define agentless_test(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        agentless_test(test_what_is_free_comes_back),
        agentless_test(test_without_figures_nothing_is_taken),
        agentless_test(test_reporting_that_the_guest_does_not_use),
        agentless_test(test_windows_without_its_service),
        agentless_test(test_a_driver_without_statistics),
        agentless_test(test_a_calm_guest_is_pulsed_by_its_policy),
        agentless_test(test_a_policy_may_forbid_it),
        agentless_test(test_an_agent_knows_of_pulses),
        agentless_test(test_statistics_without_figures),
        agentless_test(test_who_moves_the_balloon_by_hand_has_it),
    };

    return run_apart(argc, argv, tests, ARRAY_SIZE(tests));
}
