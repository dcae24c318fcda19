/* What nobody tells is no figure, and what was told in the past is none of now: the real vmreclaimd
 * with an agent alone, with a hypervisor alone, and after either has gone. */
#include "tests/component/controller/lease-calls.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/base/number.h"
#include "common/base/util.h"
#include "tests/component/controller/parallel.h"

typedef Vmreclaim__Controller__V1__ExplainResponse ExplainResponse;

/* The first sentence with this code; NULL: none. */
static const char *explain(struct fixture *f, const char *code)
{
    Vmreclaim__Controller__V1__ExplainRequest request =
        VMRECLAIM__CONTROLLER__V1__EXPLAIN_REQUEST__INIT;
    const ExplainResponse *response;

    request.vm = (char *)"web-1";
    call(f, "Explain", &request.base);
    assert_int_equal(f->code, TTRPC_OK);
    response = (const ExplainResponse *)f->response;
    for (size_t i = 0; i < response->n_findings; i++)
        if (strcmp(response->findings[i]->code, code) == 0)
            return response->findings[i]->sentence;
    return NULL;
}

static bool has_guest(struct fixture *f)
{
    const Vm *vm = get_vm(f, "web-1");

    return vm != NULL && vm->waterfall != NULL && vm->waterfall->guest_is_known;
}

static void start_agent_alone(struct fixture *f)
{
    char text[192];

    snprintf(text, sizeof(text), "agent: unix:%s/agent.sock\n", f->directory);
    put(f, "vms/web-1.yaml", text);
    listen_agent(f);
    start_daemon(f, NULL);
    connect_api(f);
    wait_for(f, has_guest(f));
}

static void test_an_agent_alone(void **state)
{
    struct fixture *f = *state;
    const Vm *vm;

    start_agent_alone(f);
    vm = get_vm(f, "web-1");
    assert_false(vm->waterfall->host_is_known);
    assert_false(vm->waterfall->balloon_is_known);
    assert_int_equal(vm->waterfall->vm_ram, 0);
    assert_int_equal(vm->waterfall->remainder, 0);
    assert_int_equal(vm->waterfall->skew_ns, 0);
    assert_null(vm->host);
    assert_non_null(strstr(vm->driver_state, "give its VM file a 'hypervisor' address"));
    assert_non_null(strstr(explain(f, "summary"), "What the host holds of it is not known: its "
                                                  "hypervisor is not known"));
    assert_null(explain(f, "never-touched"));
    assert_null(explain(f, "left-the-host"));
    assert_null(explain(f, "can-lower-order"));
}

static void test_a_balloon_of_an_agent_alone(void **state)
{
    struct fixture *f = *state;

    start_agent_alone(f);
    set_balloon(f, 512 * MIB, 0);
    assert_int_not_equal(f->code, TTRPC_OK);
    assert_non_null(strstr(f->message, "give its VM file a 'hypervisor' address"));
}

/* It is done all the same, and nobody says that the host got nothing. */
static void test_an_action_of_an_agent_alone(void **state)
{
    struct fixture *f = *state;
    Vmreclaim__Controller__V1__CompactVmRequest request =
        VMRECLAIM__CONTROLLER__V1__COMPACT_VM_REQUEST__INIT;

    start_agent_alone(f);
    request.vm = (char *)"web-1";
    call(f, "Compact", &request.base);
    assert_int_equal(f->code, TTRPC_OK);
    assert_int_equal(action_of(f)->footprint_before, 0);
    assert_non_null(strstr(action_of(f)->reason, "its hypervisor is not known"));
    assert_string_equal(action_of(f)->reason_code, "");
}

/* The hypervisor tells the same last sample of the guest for ever. */
static void test_statistics_of_the_past(void **state)
{
    struct fixture *f = *state;

    put_vm(f, "web-1", NULL);
    listen_qmp(f, "web-1.qmp");
    f->qmp.statistics.updated = (uint64_t)time(NULL) - 600;
    start_daemon(f, NULL);
    connect_api(f);
    wait_for(f, f->qmp.statistics_queries > 0);
    assert_null(get_vm(f, "web-1")->statistics);
    assert_null(explain(f, "balloon-statistics"));
    stop_daemon(f, 0);
    f->qmp.statistics.updated = (uint64_t)time(NULL);
    restart_daemon(f);
    wait_for(f, get_vm(f, "web-1")->statistics != NULL);
    assert_int_equal(get_vm(f, "web-1")->statistics->total, 1000000000);
    assert_null(explain(f, "balloon-statistics")); /* half of it is not told */
}

static bool is_without_agent(struct fixture *f)
{
    const Vm *vm = get_vm(f, "web-1");

    return vm != NULL && !vm->agent_connected; /* asked while it goes, the sample fails */
}

/* What its agent said of itself, and what it was doing, is not so any more. */
static void test_an_agent_that_has_gone(void **state)
{
    struct fixture *f = *state;

    start_ready(f);
    assert_string_not_equal(get_vm(f, "web-1")->agent_version, "");
    assert_non_null(((const GetVmResponse *)f->response)->info);
    f->agent.fault = FAKE_AGENT_SILENT;
    fake_agent_drop(&f->agent);
    wait_for(f, is_without_agent(f));
    assert_string_equal(get_vm(f, "web-1")->agent_version, "");
    assert_string_equal(get_vm(f, "web-1")->engine_state, "");
    assert_false(get_vm(f, "web-1")->refault_rate_is_known);
    assert_null(((const GetVmResponse *)f->response)->info);
    assert_true(get_vm(f, "web-1")->waterfall->host_is_known);
}

/* A balloon whose size no machine has is not none. */
static void test_a_balloon_that_says_nonsense(void **state)
{
    struct fixture *f = *state;

    f->qmp.balloon_actual = UINT64_C(1) << 60;
    start_ready(f);
    assert_false(get_vm(f, "web-1")->waterfall->balloon_is_known);
    assert_int_equal(get_vm(f, "web-1")->balloon_target, 0);
}

#define unknown_test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        unknown_test(test_a_balloon_that_says_nonsense),
        unknown_test(test_an_agent_alone),
        unknown_test(test_a_balloon_of_an_agent_alone),
        unknown_test(test_an_action_of_an_agent_alone),
        unknown_test(test_statistics_of_the_past),
        unknown_test(test_an_agent_that_has_gone),
    };

    return run_apart(argc, argv, tests, ARRAY_SIZE(tests));
}
