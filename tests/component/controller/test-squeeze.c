/* Squeezes: the real vmreclaimd takes its steps with a scripted agent and a scripted QEMU. */
#include "tests/component/controller/lease-calls.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "common/base/number.h"
#include "tests/component/controller/parallel.h"

typedef Vmreclaim__Controller__V1__SqueezeVmsRequest Request;
typedef Vmreclaim__Controller__V1__SqueezeVmsResponse Response;
typedef Vmreclaim__Controller__V1__SqueezeStep Step;

enum {
    HOLDING = VMRECLAIM__CONTROLLER__V1__SQUEEZE_PHASE__SQUEEZE_PHASE_HOLDING,
    ENDED = VMRECLAIM__CONTROLLER__V1__SQUEEZE_PHASE__SQUEEZE_PHASE_ENDED,
};

static const ProtobufCServiceDescriptor *const service =
    &vmreclaim__controller__v1__controller__descriptor;
static char *names[] = {(char *)"web-1"};
static struct ttrpc_client_call *stream;

/* ---- the guest ---- */

static const char *last_order(const struct fake_agent *agent)
{
    const char *end = agent->asked.orders + strlen(agent->asked.orders) - 1;

    while (end > agent->asked.orders && end[-1] != ' ')
        end--;
    return end;
}

static uint64_t footprint;

static void give(const struct fixture *f, uint64_t bytes)
{
    footprint -= bytes;
    put_footprint(f, footprint / KIB);
}

/* A step brings what it promises; compaction little. */
static void on_action(struct fake_agent *agent, void *userdata)
{
    struct fixture *f = userdata;

    if (strncmp(last_order(agent), "cache", 5) == 0) {
        give(f, agent->cache - 128 * MIB);
        agent->free += agent->cache - 128 * MIB;
        agent->reporting.joined += agent->cache - 128 * MIB;
        agent->cache = 128 * MIB;
    } else if (strncmp(last_order(agent), "compact", 7) == 0) {
        give(f, 20 * MIB);
        agent->reporting.joined += 20 * MIB;
    } else if (strncmp(last_order(agent), "order", 5) == 0) {
        assert_int_not_equal(agent->reporting.order_before, 0);
        give(f, agent->free - agent->reporting.joined);
        agent->reporting.joined = agent->free;
    }
}

static void start(struct fixture *f)
{
    f->agent.total = 960 * MIB;
    f->agent.free = 300 * MIB;
    f->agent.cache = 328 * MIB;
    f->agent.reporting.protocol = 2;
    f->agent.on_action = on_action;
    f->agent.userdata = f;
    footprint = 1000 * MIB;
    put_footprint(f, footprint / KIB);
    start_ready(f);
    wait_for(f, get_vm(f, "web-1")->waterfall->footprint == footprint);
}

/* ---- the call ---- */

static void begin(struct fixture *f, const Request *asked)
{
    Request request = *asked;

    request.vms = names;
    request.n_vms = 1;
    f->answered = false;
    f->streamed = 0;
    free_response(f);
    assert_int_equal(ttrpc_call_stream(f->api, service, "SqueezeVms", &request.base, 0, on_message,
                                       on_result, f, &stream),
                     0);
}

static const Response *last(const struct fixture *f)
{
    return (const void *)f->response;
}

static bool is_in(const struct fixture *f, int phase)
{
    return last(f) != NULL && (int)last(f)->phase == phase;
}

static const Step *find_step(const struct fixture *f, const char *name)
{
    for (size_t i = 0; last(f) != NULL && i < last(f)->n_steps; i++)
        if (strcmp(last(f)->steps[i]->name, name) == 0)
            return last(f)->steps[i];
    return NULL;
}

static void expect_steps(const struct fixture *f, const char *steps)
{
    char text[256] = "";

    for (size_t i = 0; i < last(f)->n_steps; i++) {
        size_t length = strlen(text);

        snprintf(text + length, sizeof(text) - length, "%s ", last(f)->steps[i]->name);
    }
    assert_string_equal(text, steps);
}

static void expect_returned(const struct fixture *f, const char *name, uint64_t bytes)
{
    const Step *step = find_step(f, name);

    assert_non_null(step);
    assert_true(step->finished);
    assert_non_null(step->action);
    assert_string_equal(step->action->id, step->action_id);
    assert_int_equal(step->action->n_samples, 0);
    assert_in_range(step->action->host_returned, bytes - MIB, bytes + MIB);
}

/* ---- tests ---- */

static void test_every_step(void **state)
{
    Request request = VMRECLAIM__CONTROLLER__V1__SQUEEZE_VMS_REQUEST__INIT;
    struct fixture *f = *state;
    const Vmreclaim__Controller__V1__ListActionsResponse *list;
    Vmreclaim__Controller__V1__ListActionsRequest actions =
        VMRECLAIM__CONTROLLER__V1__LIST_ACTIONS_REQUEST__INIT;

    start(f);
    begin(f, &request);
    wait_for(f, f->answered);
    assert_int_equal(f->code, TTRPC_OK);
    assert_true(is_in(f, ENDED));
    assert_string_equal(last(f)->end, "done");
    expect_steps(f, "cache compact order restore ");
    assert_string_equal(f->agent.asked.orders, "cache compact order restore ");
    expect_returned(f, "cache", 200 * MIB);
    expect_returned(f, "compact", 20 * MIB);
    expect_returned(f, "order", 280 * MIB);
    assert_int_equal(last(f)->footprint_before, 1000 * MIB);
    assert_int_equal(last(f)->footprint, 500 * MIB);
    assert_int_equal(f->agent.reporting.order, 9);
    assert_true(f->streamed > 8); /* each step's begin and end, and every second */
    call(f, "ListActions", &actions.base);
    list = (const void *)f->response;
    assert_int_equal(list->n_actions, 4);
    assert_string_equal(list->actions[0]->kind, "reporting");
    assert_string_equal(list->actions[3]->kind, "reclaim");
}

static void test_to_a_size(void **state)
{
    Request request = VMRECLAIM__CONTROLLER__V1__SQUEEZE_VMS_REQUEST__INIT;
    struct fixture *f = *state;

    start(f);
    request.size = 810 * MIB;
    begin(f, &request);
    wait_for(f, f->answered);
    assert_string_equal(last(f)->end, "reached");
    assert_string_equal(f->agent.asked.orders, "cache ");
}

/* The guest has its settings, whoever is killed. */
static void test_the_daemon_is_killed(void **state)
{
    Request request = VMRECLAIM__CONTROLLER__V1__SQUEEZE_VMS_REQUEST__INIT;
    struct fixture *f = *state;
    int status;

    start(f);
    f->agent.cache = 128 * MIB;
    wait_for_sample(f);
    begin(f, &request);
    wait_for(f, strstr(f->agent.asked.orders, "order ") != NULL);
    assert_int_not_equal(f->agent.reporting.order, 9);
    kill(f->daemon, SIGKILL);
    assert_int_equal(waitpid(f->daemon, &status, 0), f->daemon);
    f->daemon = 0;
    wait_for(f, f->answered && f->api == NULL);
    restart_daemon(f);
    wait_for(f, f->agent.reporting.order == 9);
    assert_null(strstr(f->agent.asked.orders, "restore"));
    assert_int_equal(f->qmp.balloon_commands, 0);
}

static void test_who_asked_goes_away(void **state)
{
    Request request = VMRECLAIM__CONTROLLER__V1__SQUEEZE_VMS_REQUEST__INIT;
    struct fixture *f = *state;

    start(f);
    f->agent.cache = 128 * MIB;
    wait_for_sample(f);
    request.hold = true;
    begin(f, &request);
    wait_for(f, strstr(f->agent.asked.orders, "order ") != NULL);
    ttrpc_client_call_cancel(stream);
    wait_for(f, strstr(f->agent.asked.orders, "restore ") != NULL);
    assert_int_equal(f->agent.reporting.order, 9);
    begin(f, &request); /* it is over, once it has ended */
    wait_for(f, f->answered || is_in(f, HOLDING));
    if (f->answered) {
        assert_int_equal(f->code, TTRPC_FAILED_PRECONDITION);
        assert_non_null(strstr(f->message, "is being squeezed already"));
    }
}

static void test_a_lease_keeps_it_small(void **state)
{
    Request request = VMRECLAIM__CONTROLLER__V1__SQUEEZE_VMS_REQUEST__INIT;
    struct fixture *f = *state;

    start(f);
    f->agent.free = 600 * MIB; /* it uses 32 MiB, and its kernel has 64 */
    wait_for_sample(f);
    request.size = 1000 * MIB; /* which it is */
    request.hold = true;
    request.hold_ns = 6 * NSEC_PER_SEC;
    begin(f, &request);
    wait_for(f, is_in(f, HOLDING));
    expect_steps(f, "hold ");
    assert_string_equal(last(f)->end, "reached");
    assert_int_equal(last(f)->held, 24 * MIB);
    assert_int_equal(last(f)->guest_size, 1000 * MIB);
    assert_in_range(last(f)->held_for_ns, NSEC_PER_SEC, 6 * NSEC_PER_SEC);
    assert_int_equal(f->qmp.balloon_actual, 1000 * MIB);
    wait_for(f, f->answered); /* it says so when the guest is back to size */
    assert_true(is_in(f, ENDED));
    assert_int_equal(last(f)->guest_size, GIB);
    assert_int_equal(f->qmp.balloon_actual, GIB);
    assert_int_equal(lease_count(f), 0);
}

static void begin_to_hold(struct fixture *f)
{
    Request request = VMRECLAIM__CONTROLLER__V1__SQUEEZE_VMS_REQUEST__INIT;

    start(f);
    f->agent.free = 600 * MIB;
    wait_for_sample(f);
    request.size = 1000 * MIB; /* which it is */
    request.hold = true;
    begin(f, &request);
    wait_for(f, is_in(f, HOLDING));
}

/* The lease stays, and the guest is not said to be back to size. */
static void test_the_daemon_stops_while_it_is_held(void **state)
{
    struct fixture *f = *state;
    int status;

    begin_to_hold(f);
    kill(f->daemon, SIGTERM);
    wait_for(f, f->answered && f->api == NULL);
    assert_int_equal(waitpid(f->daemon, &status, 0), f->daemon);
    f->daemon = 0;
    assert_true(is_in(f, ENDED));
    assert_int_equal(last(f)->guest_size, 0);
    assert_string_equal(last(f)->reason, "vmreclaimd is stopping");
    assert_int_equal(f->qmp.balloon_actual, 1000 * MIB);
    restart_daemon(f);
    assert_int_equal(lease_count(f), 1);
}

/* A second squeeze is told what the first one waits for. */
static void test_it_is_held_already(void **state)
{
    Request request = VMRECLAIM__CONTROLLER__V1__SQUEEZE_VMS_REQUEST__INIT;
    struct fixture *f = *state;

    begin_to_hold(f);
    request.vms = names;
    request.n_vms = 1;
    call(f, "SqueezeVms", &request.base);
    assert_int_equal(f->code, TTRPC_FAILED_PRECONDITION);
    assert_non_null(strstr(f->message, "'vmreclaim release web-1'"));
}

/* The host has got what the guest has given. */
static void on_command(struct qmp_server *server, const char *command, void *userdata)
{
    static uint64_t lowest = GIB;
    struct fixture *f = userdata;

    if (server->balloon_actual >= lowest)
        return;
    give(f, lowest - server->balloon_actual);
    lowest = server->balloon_actual;
}

/* Where nothing is reported. */
static void test_a_pulse_takes_what_is_free(void **state)
{
    Request request = VMRECLAIM__CONTROLLER__V1__SQUEEZE_VMS_REQUEST__INIT;
    struct fixture *f = *state;

    f->qmp.free_page_reporting = false;
    f->qmp.on_command = on_command;
    f->qmp.userdata = f;
    f->agent.size = &f->qmp.balloon_actual;
    start(f);
    f->agent.on_action = NULL;
    f->agent.free = 600 * MIB;
    f->agent.cache = 100 * MIB;
    wait_for_sample(f);
    begin(f, &request);
    wait_for(f, f->answered);
    expect_steps(f, "pulse ");
    assert_string_equal(last(f)->end, "done");
    expect_returned(f, "pulse", 600 * MIB - 256 * MIB);
    assert_int_equal(f->qmp.balloon_actual, GIB);
    assert_int_equal(lease_count(f), 0);
}

static void on_halted(const struct ttrpc_result *result, void *userdata)
{
    *(bool *)userdata = result->code == TTRPC_OK;
}

/* A lease of the same owner is none of the squeeze. */
static void test_what_is_held_already(void **state)
{
    Request request = VMRECLAIM__CONTROLLER__V1__SQUEEZE_VMS_REQUEST__INIT;
    struct fixture *f = *state;

    start(f);
    f->agent.free = 600 * MIB;
    wait_for_sample(f);
    set_balloon_for(f, "", 960 * MIB, 0);
    assert_int_equal(f->code, TTRPC_OK);
    request.size = 1000 * MIB;
    request.hold = true;
    begin(f, &request);
    wait_for(f, f->answered);
    expect_steps(f, "hold ");
    assert_null(find_step(f, "hold")->action);
    assert_non_null(strstr(find_step(f, "hold")->reason, "its balloon is in use"));
    assert_int_equal(last(f)->held, 0);
    assert_int_equal(lease_count(f), 1);
}

static void test_a_halt_ends_it(void **state)
{
    Request request = VMRECLAIM__CONTROLLER__V1__SQUEEZE_VMS_REQUEST__INIT;
    Vmreclaim__Controller__V1__HaltRequest halt = VMRECLAIM__CONTROLLER__V1__HALT_REQUEST__INIT;
    struct fixture *f = *state;
    bool is_halted = false;

    start(f);
    f->agent.cache = 128 * MIB;
    f->agent.holds = true; /* the compaction */
    wait_for_sample(f);
    begin(f, &request);
    wait_for(f, f->agent.held.call != NULL);
    halt.vms = names;
    halt.n_vms = 1;
    assert_int_equal(
        ttrpc_call_unary(f->api, service, "Halt", &halt.base, 0, on_halted, &is_halted, NULL), 0);
    wait_for(f, is_in(f, ENDED) && is_halted);
    assert_string_equal(last(f)->end, "failed");
    assert_non_null(strstr(last(f)->reason, "halted"));
    fake_agent_answer(&f->agent); /* too late */
}

/* What its balloon's driver tells bounds a pulse, and its owner's interval is there after it. */
static void test_a_guest_without_an_agent(void **state)
{
    Request request = VMRECLAIM__CONTROLLER__V1__SQUEEZE_VMS_REQUEST__INIT;
    struct fixture *f = *state;

    f->qmp.free_page_reporting = false;
    f->qmp.statistics.free = 700 * MIB;
    f->qmp.statistics.interval = 2;
    f->qmp.on_command = on_command;
    f->qmp.userdata = f;
    put_vm(f, "web-1", NULL);
    footprint = 1000 * MIB;
    put_footprint(f, footprint / KIB);
    listen_qmp(f, "web-1.qmp");
    start_daemon(f, NULL);
    connect_api(f);
    wait_for(f, driver_says(f, "web-1", "ready"));
    begin(f, &request);
    wait_for(f, f->answered);
    assert_string_equal(last(f)->end, "done");
    expect_steps(f, "pulse ");
    assert_true(find_step(f, "pulse")->action->host_returned >= (int64_t)(440 * MIB));
    assert_int_equal(f->qmp.balloon_actual, GIB);
    stop_daemon(f, 0);
    assert_int_equal(f->qmp.statistics.interval, 2);
}

/* Its balloon's driver tells no figure: each step has its reason, and nothing is said to be done.
 */
static void test_a_guest_that_nobody_can_read(void **state)
{
    Request request = VMRECLAIM__CONTROLLER__V1__SQUEEZE_VMS_REQUEST__INIT;
    struct fixture *f = *state;

    f->qmp.free_page_reporting = false;
    f->qmp.statistics.has_no_figure = true;
    put_vm(f, "web-1", NULL);
    put_footprint(f, 1000 * 1024);
    listen_qmp(f, "web-1.qmp");
    start_daemon(f, NULL);
    connect_api(f);
    wait_for(f, driver_says(f, "web-1", "ready"));
    request.hold = true;
    begin(f, &request);
    wait_for(f, f->answered);
    assert_string_equal(last(f)->end, "refused");
    expect_steps(f, "pulse hold ");
    assert_non_null(strstr(find_step(f, "pulse")->reason, "BalloonService"));
    assert_non_null(strstr(find_step(f, "hold")->reason, "without an agent nobody says"));
    assert_int_equal(f->qmp.balloon_commands, 0);
}

static void test_what_cannot_be_squeezed(void **state)
{
    Request request = VMRECLAIM__CONTROLLER__V1__SQUEEZE_VMS_REQUEST__INIT;
    struct fixture *f = *state;
    char *twice[] = {(char *)"web-1", (char *)"web-1"};

    f->qmp.free_page_reporting = false;
    f->qmp.vfio_devices = 1; /* a pulse would bring nothing either */
    start(f);
    begin(f, &request);
    wait_for(f, f->answered);
    assert_string_equal(last(f)->end, "blocked");
    assert_string_equal(f->agent.asked.orders, "");
    call(f, "SqueezeVms", &request.base);
    assert_int_equal(f->code, TTRPC_INVALID_ARGUMENT);
    request.vms = twice;
    request.n_vms = 2;
    call(f, "SqueezeVms", &request.base);
    assert_int_equal(f->code, TTRPC_FAILED_PRECONDITION);
}

#define squeeze_test(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        squeeze_test(test_every_step),
        squeeze_test(test_to_a_size),
        squeeze_test(test_the_daemon_is_killed),
        squeeze_test(test_who_asked_goes_away),
        squeeze_test(test_a_lease_keeps_it_small),
        squeeze_test(test_the_daemon_stops_while_it_is_held),
        squeeze_test(test_it_is_held_already),
        squeeze_test(test_a_pulse_takes_what_is_free),
        squeeze_test(test_what_is_held_already),
        squeeze_test(test_a_halt_ends_it),
        squeeze_test(test_a_guest_without_an_agent),
        squeeze_test(test_a_guest_that_nobody_can_read),
        squeeze_test(test_what_cannot_be_squeezed),
    };

    return run_apart(argc, argv, tests, ARRAY_SIZE(tests));
}
