/* The real vmreclaimd, on a made-up root, between scripted hypervisors, scripted agents and an
 * operator, all on UNIX sockets. */
#include "tests/component/controller/fixture.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/number.h"
#include "common/base/util.h"
#include "common/transport/transport.h"
#include "tests/component/controller/parallel.h"

/* ---- what works ---- */

static void test_a_managed_vm(void **state)
{
    struct fixture *f = *state;
    const Vm *vm;

    start_managed(f);
    vm = get_vm(f, "web-1");
    assert_string_equal(vm->uuid, "11111111-2222-3333-4444-555555555555");
    assert_int_equal(vm->cid, 5);
    assert_int_equal(vm->pid, getpid());
    assert_true(vm->announced);
    assert_string_equal(vm->agent_version, "fake-1");
    assert_string_equal(vm->reporting, "on");
    assert_int_equal(vm->n_labels, 1);
    assert_true(vm->waterfall->guest_is_known);
    assert_int_equal(vm->waterfall->footprint, 800 * MIB);
    assert_int_equal(vm->waterfall->vm_ram, GIB);
    assert_int_equal(vm->waterfall->in_use, 400 * MIB);
    assert_int_equal(vm->waterfall->unmanaged, 124 * MIB);
    /* 800 - (400 in use + 100 cache + 200 reportable + 200 trapped + 124 unmanaged) */
    assert_int_equal(vm->waterfall->remainder, -224 * (int64_t)MIB);
    assert_string_equal(vm->waterfall->footprint_source, "rss");
    assert_non_null(vm->waterfall->guest);
    /* The fixture has no transparent huge pages: single pages may be reported. */
    assert_int_equal(f->agent.lowest_order, 0);
    /* The guest and the host are read together, when the machine is not busy with others. */
    wait_for(f, get_vm(f, "web-1")->waterfall->skew_ns <= 200 * NSEC_PER_MSEC);
}

static void test_names(void **state)
{
    struct fixture *f = *state;

    start_managed(f);
    assert_non_null(get_vm(f, "11111111-2222-3333-4444-555555555555"));
    assert_non_null(get_vm(f, "cid:5"));
    assert_null(get_vm(f, "wbe-1"));
    assert_int_equal(f->code, TTRPC_NOT_FOUND);
    assert_non_null(strstr(f->message, "did you mean 'web-1'"));
}

static void shrink(struct fake_agent *agent, void *userdata)
{
    put_footprint(userdata, 500 * 1024);
}

static void test_an_action_is_measured(void **state)
{
    Vmreclaim__Controller__V1__CompactVmRequest request =
        VMRECLAIM__CONTROLLER__V1__COMPACT_VM_REQUEST__INIT;
    const Vmreclaim__Controller__V1__Action *action;
    struct fixture *f = *state;

    start_managed(f);
    f->agent.on_action = shrink;
    f->agent.userdata = f;
    request.vm = (char *)"web-1";
    call(f, "Compact", &request.base);
    assert_int_equal(f->code, TTRPC_OK);
    action = ((const Vmreclaim__Controller__V1__ActionResponse *)f->response)->action;
    assert_int_equal(action->footprint_before, 800 * MIB);
    assert_int_equal(action->footprint_after, 500 * MIB);
    assert_int_equal(action->host_returned, 300 * MIB);
    assert_int_equal(action->drift, 0);
    assert_string_equal(action->id, action->guest->action_id);
    assert_true(action->finished);
}

static void test_a_refused_action(void **state)
{
    Vmreclaim__Controller__V1__CompactVmRequest request =
        VMRECLAIM__CONTROLLER__V1__COMPACT_VM_REQUEST__INIT;
    struct fixture *f = *state;

    start_managed(f);
    f->agent.compact_fails = true;
    request.vm = (char *)"web-1";
    call(f, "Compact", &request.base);
    assert_int_equal(f->code, TTRPC_FAILED_PRECONDITION);
    assert_non_null(strstr(f->message, "the guest is busy"));
}

static void test_ping_and_ranges(void **state)
{
    Vmreclaim__Controller__V1__PingVmRequest ping =
        VMRECLAIM__CONTROLLER__V1__PING_VM_REQUEST__INIT;
    Vmreclaim__Controller__V1__ListRangesRequest list =
        VMRECLAIM__CONTROLLER__V1__LIST_RANGES_REQUEST__INIT;
    struct fixture *f = *state;

    start_managed(f);
    ping.vm = (char *)"web-1";
    call(f, "PingVm", &ping.base);
    assert_int_equal(f->code, TTRPC_OK);
    assert_int_equal(
        ((const Vmreclaim__Controller__V1__PingVmResponse *)f->response)->guest_boottime_ns,
        123456789);
    list.vm = (char *)"web-1";
    call_stream(f, "ListRanges", &list.base);
    assert_int_equal(f->code, TTRPC_OK);
    assert_int_equal(f->streamed, 2);
}

static void test_a_vm_without_an_agent(void **state)
{
    Vmreclaim__Controller__V1__CompactVmRequest request =
        VMRECLAIM__CONTROLLER__V1__COMPACT_VM_REQUEST__INIT;
    struct fixture *f = *state;
    const Vm *vm;

    put_vm(f, "web-1", NULL);
    listen_qmp(f, "web-1.qmp");
    start_daemon(f, NULL);
    connect_api(f);
    wait_for(f, driver_says(f, "web-1", "ready"));
    vm = get_vm(f, "web-1");
    assert_string_equal(vm->state, "discovered");
    assert_false(vm->waterfall->guest_is_known);
    assert_int_equal(vm->waterfall->footprint, 800 * MIB);
    request.vm = (char *)"web-1";
    call(f, "Compact", &request.base);
    assert_int_equal(f->code, TTRPC_UNAVAILABLE);
    assert_non_null(strstr(f->message, "start vmreclaim-agent"));
}

static void test_pause_and_resume(void **state)
{
    struct fixture *f = *state;

    start_managed(f);
    qmp_server_event(&f->qmp, "STOP", NULL);
    wait_for(f, is_in_state(f, "web-1", "paused"));
    qmp_server_event(&f->qmp, "RESUME", NULL);
    wait_for(f, is_in_state(f, "web-1", "managed"));
}

static void test_a_lost_agent_comes_back(void **state)
{
    struct fixture *f = *state;

    start_managed(f);
    listener_destroy(f->agent.listener);
    f->agent.listener = NULL;
    fake_agent_drop(&f->agent);
    wait_for(f, is_in_state(f, "web-1", "lost"));
    listen_agent(f);
    wait_for(f, is_in_state(f, "web-1", "managed"));
}

static const Vmreclaim__Controller__V1__Finding *explained(struct fixture *f, const char *code)
{
    Vmreclaim__Controller__V1__ExplainRequest request =
        VMRECLAIM__CONTROLLER__V1__EXPLAIN_REQUEST__INIT;
    const Vmreclaim__Controller__V1__ExplainResponse *response;

    request.vm = (char *)"web-1";
    call(f, "Explain", &request.base);
    assert_int_equal(f->code, TTRPC_OK);
    response = (const void *)f->response;
    for (size_t i = 0; i < response->n_findings; i++)
        if (strcmp(response->findings[i]->code, code) == 0)
            return response->findings[i];
    return NULL;
}

static void test_what_a_lost_agent_said_is_not_shown(void **state)
{
    struct fixture *f = *state;
    const Vm *vm;

    start_managed(f);
    assert_non_null(explained(f, "can-compact"));
    listener_destroy(f->agent.listener);
    f->agent.listener = NULL;
    fake_agent_drop(&f->agent);
    wait_for(f, is_in_state(f, "web-1", "lost"));
    put_footprint(f, 300 * 1024);
    vm = get_vm(f, "web-1");
    assert_false(vm->waterfall->guest_is_known);
    assert_int_equal(vm->waterfall->footprint, 300 * MIB);
    assert_int_equal(vm->waterfall->cache, 0);
    assert_int_equal(vm->waterfall->remainder, 0);
    assert_true(vm->last_sample_ns != 0 && vm->last_sample_ns < vm->waterfall->time_ns);
    assert_null(explained(f, "can-compact"));
    assert_non_null(explained(f, "can-install-agent"));
}

/* Its agent is dialled at a socket of its own: that says nothing of a vsock device. */
static void test_the_doctor_of_an_agent_at_a_socket(void **state)
{
    Vmreclaim__Controller__V1__DiagnoseRequest request =
        VMRECLAIM__CONTROLLER__V1__DIAGNOSE_REQUEST__INIT;
    struct fixture *f = *state;
    const Vmreclaim__Controller__V1__DiagnoseResponse *response;

    start_managed(f);
    request.vm = (char *)"web-1";
    call(f, "Diagnose", &request.base);
    assert_int_equal(f->code, TTRPC_OK);
    response = (const void *)f->response;
    for (size_t i = 0; i < response->n_checks; i++)
        if (strcmp(response->checks[i]->name, "vsock device") == 0) {
            assert_string_equal(response->checks[i]->status, "ok");
            assert_non_null(strstr(response->checks[i]->reason, "CID "));
            return;
        }
    fail_msg("the vsock device is not checked");
}

static void test_cache_that_is_read_back_is_hot(void **state)
{
    struct fixture *f = *state;

    start_managed(f);
    assert_null(explained(f, "cache-hot"));
    f->agent.refaults.per_sample = 100000;
    wait_for(f, explained(f, "cache-hot") != NULL);
    assert_true(get_vm(f, "web-1")->refault_rate >= 100000);
}

static void test_a_balloon_that_was_there_before_is_somebody_elses(void **state)
{
    struct fixture *f = *state;

    f->qmp.balloon_actual = 640 * MIB;
    start_managed(f);
    assert_int_equal(explained(f, "foreign-balloon")->bytes, 384 * MIB);
}

static void test_a_silent_agent_is_lost(void **state)
{
    struct fixture *f = *state;

    start_managed(f);
    uv_timer_stop(&f->agent.timer);
    f->agent.fault = FAKE_AGENT_SILENT; /* the next connection */
    wait_for(f, log_has(f, "no sample for"));
    wait_for(f, is_in_state(f, "web-1", "connected") || is_in_state(f, "web-1", "lost"));
}

/* ---- what is kept ---- */

typedef Vmreclaim__Controller__V1__Action Action;

/* Stops the daemon, starts it again and waits for the VM. */
static void restart(struct fixture *f)
{
    stop_daemon(f, 0);
    start_daemon(f, NULL);
    connect_api(f);
    wait_for(f, is_in_state(f, "web-1", "managed"));
}

static const Action *verify(struct fixture *f, const char *id)
{
    Vmreclaim__Controller__V1__VerifyActionRequest request =
        VMRECLAIM__CONTROLLER__V1__VERIFY_ACTION_REQUEST__INIT;

    request.id = text(id);
    call(f, "VerifyAction", &request.base);
    if (f->code != TTRPC_OK)
        return NULL;
    return ((const Vmreclaim__Controller__V1__ActionResponse *)f->response)->action;
}

static void test_an_action_is_recorded(void **state)
{
    Vmreclaim__Controller__V1__ListActionsRequest list =
        VMRECLAIM__CONTROLLER__V1__LIST_ACTIONS_REQUEST__INIT;
    const Vmreclaim__Controller__V1__ListActionsResponse *listed;
    const Vmreclaim__Controller__V1__ActionResponse *response;
    struct fixture *f = *state;
    const Action *action;
    char id[32];

    start_managed(f);
    f->agent.on_action = shrink;
    f->agent.userdata = f;
    compact(f);
    assert_int_equal(f->code, TTRPC_OK);
    action = ((const Vmreclaim__Controller__V1__ActionResponse *)f->response)->action;
    snprintf(id, sizeof(id), "%s", action->id);
    assert_true(action->n_samples >= 2);
    assert_int_equal(action->samples[0]->phase,
                     VMRECLAIM__CONTROLLER__V1__ACTION_PHASE__ACTION_PHASE_BEFORE);
    assert_int_equal(action->samples[0]->footprint, 800 * MIB);
    assert_int_equal(action->samples[action->n_samples - 1]->phase,
                     VMRECLAIM__CONTROLLER__V1__ACTION_PHASE__ACTION_PHASE_AFTER);
    assert_int_equal(action->samples[action->n_samples - 1]->footprint, 500 * MIB);
    assert_true(action->confidence != 0);
    restart(f);
    list.vm = text("web-1");
    call(f, "ListActions", &list.base);
    listed = (const Vmreclaim__Controller__V1__ListActionsResponse *)f->response;
    assert_int_equal(listed->n_actions, 1);
    assert_string_equal(listed->actions[0]->id, id);
    assert_int_equal(listed->actions[0]->host_returned, 300 * MIB);
    assert_true(listed->actions[0]->finished);
    /* Measured again, by a part of the id. */
    put_footprint(f, 600 * 1024);
    id[6] = '\0';
    action = verify(f, id);
    assert_non_null(action);
    assert_false(action->checked_again); /* that is for ten minutes later */
    response = (const Vmreclaim__Controller__V1__ActionResponse *)f->response;
    assert_true(response->now_is_known);
    assert_int_equal(response->host_returned_now, 200 * MIB);
    assert_null(verify(f, "no such action"));
    assert_int_equal(f->code, TTRPC_NOT_FOUND);
}

static void test_an_action_that_brought_nothing_says_why(void **state)
{
    struct fixture *f = *state;
    const Action *action;

    start_managed(f);
    compact(f); /* the fake guest frees, and the footprint stays */
    assert_int_equal(f->code, TTRPC_OK);
    action = ((const Vmreclaim__Controller__V1__ActionResponse *)f->response)->action;
    assert_int_equal(action->host_returned, 0);
    /* 200 MiB are trapped still. */
    assert_string_equal(action->reason_code, "fragmented");
    assert_non_null(strstr(action->reason, "200.0 MiB"));
    assert_string_equal(action->evidence[0]->name, "trapped");
    assert_int_equal(action->evidence[0]->value, 200 * MIB);
}

static void test_history(void **state)
{
    Vmreclaim__Controller__V1__GetHistoryRequest request =
        VMRECLAIM__CONTROLLER__V1__GET_HISTORY_REQUEST__INIT;
    struct fixture *f = *state;

    start_managed(f);
    f->agent.on_action = shrink;
    f->agent.userdata = f;
    compact(f);
    assert_int_equal(f->code, TTRPC_OK);
    request.vm = text("web-1");
    call_stream(f, "GetHistory", &request.base);
    assert_int_equal(f->code, TTRPC_OK);
    const Vmreclaim__Controller__V1__GetHistoryResponse *history =
        (const Vmreclaim__Controller__V1__GetHistoryResponse *)f->response;
    assert_int_equal(history->n_actions, 1);
    assert_int_equal(history->actions[0]->n_samples, 0);
}

static const Vmreclaim__Controller__V1__GetStatusResponse *get_status(struct fixture *f)
{
    Vmreclaim__Controller__V1__GetStatusRequest request =
        VMRECLAIM__CONTROLLER__V1__GET_STATUS_REQUEST__INIT;

    call(f, "GetStatus", &request.base);
    assert_int_equal(f->code, TTRPC_OK);
    return (const Vmreclaim__Controller__V1__GetStatusResponse *)f->response;
}

static void test_status(void **state)
{
    const Vmreclaim__Controller__V1__GetStatusResponse *status;
    struct fixture *f = *state;

    start_managed(f);
    status = get_status(f);
    assert_int_equal(status->pid, f->daemon);
    assert_int_equal(status->vms, 1);
    assert_int_equal(status->agents, 1);
    assert_int_equal(status->n_degraded, 0);
    assert_true(status->resident_bytes > 0);
    assert_non_null(strstr(status->store_path, "/state/vmreclaim.db"));
}

static void test_a_damaged_store_stops_nothing(void **state)
{
    const Vmreclaim__Controller__V1__GetStatusResponse *status;
    struct fixture *f = *state;

    put(f, "state/vmreclaim.db",
        "this is no database, and it is long enough to be looked at as "
        "one, which takes a hundred bytes of a header at least......");
    start_managed(f);
    apply_policy(f, "profile: gentle\n");
    assert_int_equal(f->code, TTRPC_INTERNAL);
    assert_non_null(strstr(f->message, "is not a database; move it away"));
    compact(f); /* still works, and its record waits */
    assert_int_equal(f->code, TTRPC_OK);
    status = get_status(f);
    assert_int_equal(status->n_degraded, 2);
    assert_string_equal(status->degraded[0]->part, "store");
    assert_string_equal(status->degraded[1]->part, "leases"); /* their journal is in it */
    assert_true(status->store_pending >= 2);
    assert_true(log_has(f, "going on without it"));
}

#define controller_test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        controller_test(test_a_managed_vm),
        controller_test(test_names),
        controller_test(test_an_action_is_measured),
        controller_test(test_a_refused_action),
        controller_test(test_ping_and_ranges),
        controller_test(test_a_vm_without_an_agent),
        controller_test(test_pause_and_resume),
        controller_test(test_a_lost_agent_comes_back),
        controller_test(test_what_a_lost_agent_said_is_not_shown),
        controller_test(test_the_doctor_of_an_agent_at_a_socket),
        controller_test(test_cache_that_is_read_back_is_hot),
        controller_test(test_a_balloon_that_was_there_before_is_somebody_elses),
        controller_test(test_a_silent_agent_is_lost),
        controller_test(test_an_action_is_recorded),
        controller_test(test_an_action_that_brought_nothing_says_why),
        controller_test(test_history),
        controller_test(test_status),
        controller_test(test_a_damaged_store_stops_nothing),
    };

    return run_apart(argc, argv, tests, ARRAY_SIZE(tests));
}
