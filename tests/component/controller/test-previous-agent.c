/* vmreclaimd with an agent of the release before: everything that release could do still works. */
#include "tests/component/controller/fixture.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/number.h"

static const char *agent_program;
static pid_t agent;

static int start(void **state)
{
    char address[128];
    struct fixture *f;

    if (set_up(state) < 0)
        return -1;
    f = *state;
    put_vm(f, "web-1", "/agent.sock");
    listen_qmp(f, "web-1.qmp");
    snprintf(address, sizeof(address), "unix:%s/agent.sock", f->directory);
    agent = fork();
    assert_true(agent >= 0);
    if (agent == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)execl(agent_program, agent_program, address, NULL);
        _exit(127);
    }
    start_daemon(f, NULL);
    connect_api(f);
    wait_for(f, is_in_state(f, "web-1", "managed"));
    return 0;
}

static int stop(void **state)
{
    (void)kill(agent, SIGKILL);
    (void)waitpid(agent, NULL, 0);
    return tear_down(state);
}

static void test_its_samples_are_understood(void **state)
{
    struct fixture *f = *state;
    const Vm *vm = get_vm(f, "web-1");

    assert_non_null(vm);
    assert_string_equal(vm->agent_version, "fake-1");
    assert_true(vm->waterfall->guest_is_known);
    assert_int_equal(vm->waterfall->in_use, 400 * MIB);
    assert_int_equal(vm->waterfall->cache, 100 * MIB);
}

static void test_it_answers_ping(void **state)
{
    Vmreclaim__Controller__V1__PingVmRequest request =
        VMRECLAIM__CONTROLLER__V1__PING_VM_REQUEST__INIT;
    struct fixture *f = *state;

    request.vm = (char *)"web-1";
    call(f, "PingVm", &request.base);
    assert_int_equal(f->code, TTRPC_OK);
}

static void test_it_compacts(void **state)
{
    Vmreclaim__Controller__V1__CompactVmRequest request =
        VMRECLAIM__CONTROLLER__V1__COMPACT_VM_REQUEST__INIT;
    const Vmreclaim__Controller__V1__Action *action;
    struct fixture *f = *state;

    request.vm = (char *)"web-1";
    call(f, "Compact", &request.base);
    assert_int_equal(f->code, TTRPC_OK);
    action = ((const Vmreclaim__Controller__V1__ActionResponse *)f->response)->action;
    assert_string_equal(action->id, action->guest->action_id);
    assert_true(action->finished);
}

static void test_it_lists_ranges(void **state)
{
    Vmreclaim__Controller__V1__ListRangesRequest request =
        VMRECLAIM__CONTROLLER__V1__LIST_RANGES_REQUEST__INIT;
    struct fixture *f = *state;

    request.vm = (char *)"web-1";
    call_stream(f, "ListRanges", &request.base);
    assert_int_equal(f->code, TTRPC_OK);
    assert_int_equal(f->streamed, 2);
}

/* A policy with a key that it does not know is in force all the same, and the key is named. */
static void test_it_names_keys_that_it_does_not_know(void **state)
{
    Vmreclaim__Controller__V1__ApplyVmPolicyRequest request =
        VMRECLAIM__CONTROLLER__V1__APPLY_VM_POLICY_REQUEST__INIT;
    const Vmreclaim__Controller__V1__ApplyVmPolicyResponse *response;
    struct fixture *f = *state;

    request.vm = (char *)"web-1";
    request.source = (char *)"name: night\nprofile: gentle\n";
    request.source_name = (char *)"night.yaml";
    call(f, "ApplyPolicy", &request.base);
    assert_int_equal(f->code, TTRPC_OK);
    response = (const Vmreclaim__Controller__V1__ApplyVmPolicyResponse *)f->response;
    assert_int_equal(response->n_unsupported_keys, 1);
    assert_string_equal(response->unsupported_keys[0], "from_the_future");
}

int main(int argument_count, char **arguments)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_its_samples_are_understood, start, stop),
        cmocka_unit_test_setup_teardown(test_it_answers_ping, start, stop),
        cmocka_unit_test_setup_teardown(test_it_compacts, start, stop),
        cmocka_unit_test_setup_teardown(test_it_lists_ranges, start, stop),
        cmocka_unit_test_setup_teardown(test_it_names_keys_that_it_does_not_know, start, stop),
    };

    assert_int_equal(argument_count, 3);
    program = arguments[1];
    agent_program = arguments[2];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
